import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { decodeRequest, encodeAnswer, type Request, requestName } from '@vgpu/protocol';
import { responseName, type Slot, slotOfRequest } from '@vgpu/protocol';

/** A request that the fake has found, and what it can do about it. */
export interface Found {
  readonly request: Request;
  /** Puts an answer in place: written under another name, then renamed. */
  readonly put: (text: string) => void;
  /** Removes the request. */
  readonly clear: () => void;
  /** The path of the response file, for everything that a mediator would not do. */
  readonly response: string;
}

export type Behaviour = (found: Found) => void | Promise<void>;

export const sumOf = ({ a, b }: Request) =>
  encodeAnswer({ sum: a.map((value, index) => value + (b[index] ?? 0)) });

/** Answers with the sum in the two steps of a mediator. */
export const answerSum = ({ request, put, clear }: Found): void => {
  put(sumOf(request));
  clear();
};

export const answer =
  (text: string): Behaviour =>
  ({ put, clear }) => {
    put(text);
    clear();
  };

/** Leaves every request where it is. */
export const neverAnswer: Behaviour = () => undefined;

const POLL_MS = 2;

/**
 * Stands in for a mediator: a root of its own with one VM directory in it, which it polls. What it
 * does with a request is up to the test.
 */
export class FakeMediator {
  readonly root: string;
  readonly directory: string;
  /** The text of every request found, in that order. */
  readonly seen: string[] = [];
  behaviour: Behaviour;
  /** The ids of the requests that the behaviour has got already. */
  readonly #inHand = new Set<string>();
  readonly #timer: NodeJS.Timeout;

  constructor(behaviour: Behaviour = answerSum, vm = 1) {
    this.behaviour = behaviour;
    this.root = fs.mkdtempSync(path.join(os.tmpdir(), 'vgpu-client-'));
    this.directory = path.join(this.root, `vm${vm}`);
    fs.chmodSync(this.root, 0o755);
    fs.mkdirSync(this.directory);
    this.#timer = setInterval(() => {
      this.#sweep();
    }, POLL_MS);
  }

  /** The names in the VM directory. */
  files(): string[] {
    return fs.readdirSync(this.directory);
  }

  path(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, text: string): void {
    fs.writeFileSync(this.path(name), text);
  }

  /** Resolves when this many requests have been seen. */
  async sawRequests(count = 1): Promise<void> {
    while (this.seen.length < count) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  close(): void {
    clearInterval(this.#timer);
    fs.rmSync(this.root, { recursive: true });
  }

  #sweep(): void {
    for (const name of this.files()) {
      const slot = slotOfRequest(name);
      if (slot !== undefined) this.#take(slot);
    }
  }

  #take(slot: Slot): void {
    const request = this.path(requestName(slot));
    const response = this.path(responseName(slot));
    const found = readNew(request, this.#inHand);
    if (found === undefined) return;
    const { id, text } = found;
    this.#inHand.add(id);
    this.seen.push(text);
    void this.behaviour({
      request: decodeRequest(text),
      response,
      put: (answerText) => {
        putAnswer(response, answerText);
      },
      clear: () => {
        fs.rmSync(request, { force: true });
      },
    });
  }
}

/** The text of a request that is not in hand, and an id that its successor does not have. */
function readNew(request: string, inHand: ReadonlySet<string>) {
  try {
    const stats = fs.lstatSync(request, { bigint: true });
    const id = `${stats.ino}:${stats.ctimeNs}`;
    if (!stats.isFile() || stats.size === 0n || inHand.has(id)) return undefined;
    return { id, text: fs.readFileSync(request, 'latin1') };
  } catch {
    // A client on a network share works in other threads: it may withdraw at any moment.
    return undefined;
  }
}

export function putAnswer(response: string, text: string): void {
  fs.writeFileSync(`${response}.new`, text);
  fs.renameSync(`${response}.new`, response);
}
