import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { requestName, responseName, type Slot } from '@vgpu/protocol';

export const PLAIN: Slot = { kind: 'plain' };
export const named = (id: string): Slot => ({ kind: 'named', id });

/** Size in bytes from which the mediator has a thread list a directory. */
const LARGE_BYTES = 2 ** 20;
/** A new name for a link; long, since the directory's size is to grow by it. */
const longName = (index: number): string => 'x'.repeat(100) + String(index);

const HELD = /^\.vgpu-taken-\d+-\d+-\d+-[0-9a-f-]{36}$/;

/** A VM directory as its guest sees it. */
export class VmFiles {
  readonly path: string;

  constructor(root: string, vm: number) {
    this.path = join(root, `vm${vm}`);
    mkdirSync(this.path, { recursive: true });
  }

  at(name: string): string {
    return join(this.path, name);
  }

  request(slot: Slot): string {
    return this.at(requestName(slot));
  }

  response(slot: Slot): string {
    return this.at(responseName(slot));
  }

  /**
   * Fills the directory with links until it is a large one. On a tmpfs a name takes 20 bytes of it, on ext4 as
   * many as it is long.
   *
   * @returns the names.
   */
  enlarge(): string[] {
    const names = [longName(0)];
    writeFileSync(this.at(longName(0)), '');
    while (statSync(this.path).size <= LARGE_BYTES) {
      for (let more = 0; more < 1000; more += 1) {
        linkSync(this.at(longName(0)), this.at(longName(names.length)));
        names.push(longName(names.length));
      }
    }
    return names;
  }

  /** Writes a request in place, as a shell does. */
  write(slot: Slot, line: string): void {
    writeFileSync(this.request(slot), line);
  }

  /** Writes a request under another name and renames it, as the client library does. */
  put(slot: Slot, line: string): void {
    const temporary = this.at(`.request-x.${Math.random().toString(36).slice(2)}`);
    writeFileSync(temporary, line, { flag: 'wx' });
    renameSync(temporary, this.request(slot));
  }

  /** The response; empty if there is none yet. */
  responseText(slot: Slot): string {
    return existsSync(this.response(slot)) ? readFileSync(this.response(slot), 'latin1') : '';
  }

  hasRequest(slot: Slot): boolean {
    return existsSync(this.request(slot));
  }

  /** All names but that of a held plain request. */
  names(): string[] {
    const names = readdirSync(this.path).sort();
    return names.filter((name) => !HELD.test(name));
  }

  /** The names of held plain requests, which have their responses. */
  heldNames(): string[] {
    return readdirSync(this.path).filter((name) => HELD.test(name));
  }
}
