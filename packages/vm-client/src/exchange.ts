import { randomUUID } from 'node:crypto';
import { requestName, responseName, type Slot } from '@vgpu/protocol';
import { AnswerFile } from './answer-file.js';
import type { Change } from './changes.js';
import type { Channel } from './channel.js';
import { VgpuError } from './errors.js';
import type { Interruption } from './interruption.js';
import { PolledChanges } from './polled-changes.js';
import { shareError } from './share-error.js';
import type { Awaitable, Share } from './share.js';

/** After this, in milliseconds, a request that was answered and is still there is removed. */
const CLEARING_MS = 500;

/** An answer line, and the time from sending the request until it was read. */
export interface Answered {
  readonly line: string;
  readonly waitMs: number;
}

/**
 * One request and its answer in one slot:
 *
 * 1. prepare: create or empty the response file (on FUSE remove it), so that the answer is seen as
 *    soon as it is there; in the plain slot, refuse if it is in use;
 * 2. send: write the request under a temporary name and rename it into its place;
 * 3. receive: wait until the response file holds a whole line; in the plain slot, wait until the mediator
 *    has cleared the request, too, and read again. A response that was on its way to an earlier request,
 *    which was withdrawn, may stand there before; and the next call is not to find the slot in use;
 * 4. tidy: remove the response file.
 *
 * A failure or the interruption leads from 1, 2 or 3 to withdrawing and then tidying. However it ends,
 * what the exchange created is gone. Only a mediator that is just putting its answer in place when
 * the request is withdrawn may leave that answer, which it removes after its retention time.
 */
export class Exchange {
  readonly #channel: Channel;
  readonly #share: Share;
  readonly #interruption: Interruption;
  readonly #isPlain: boolean;
  readonly #request: string;
  readonly #response: string;
  readonly #temporary: string;
  readonly #answer: AnswerFile;
  /** Set when the request is about to be put in place: from then on it may have to be removed. */
  #sentAt: number | undefined;

  /** @param interruption Withdraws the request. */
  constructor(channel: Channel, slot: Slot, interruption: Interruption) {
    this.#channel = channel;
    this.#share = channel.share;
    this.#interruption = interruption;
    this.#isPlain = slot.kind === 'plain';
    this.#request = requestName(slot);
    this.#response = responseName(slot);
    this.#temporary = `.request.${slot.kind === 'named' ? slot.id : randomUUID()}`;
    this.#answer = new AnswerFile(this.#share, this.#response);
  }

  /** Sends a request line and waits for its answer. To be called once. @throws VgpuError */
  async run(line: string): Promise<Answered> {
    this.#interruption.throwIfInterrupted();
    if (this.#isPlain) await this.#refuseIfBusy();
    const change = this.#channel.changes.of(this.#response);
    this.#interruption.whenInterrupted(() => {
      change.stop();
    });
    try {
      await this.#share.clearAnswer(this.#response);
      await this.#send(line);
      const answered = await this.#receive(change);
      return this.#isPlain ? await this.#confirm(line, answered) : answered;
    } catch (error) {
      const late = await this.#withdraw();
      if (late !== undefined) return late;
      throw shareError('send the request', error, 'CANNOT_CREATE');
    } finally {
      change.stop();
      await quietly(() => this.#share.remove(this.#response));
    }
  }

  async #refuseIfBusy(): Promise<void> {
    let text: string;
    try {
      text = await this.#requestText();
    } catch (error) {
      throw shareError(`use ${this.#request}`, error, 'SLOT_BUSY');
    }
    if (text !== '') {
      throw new VgpuError(
        'SLOT_BUSY',
        `${this.#request} holds a request of somebody else; ` +
          'try again later, or use a slot of your own (no plain mode)',
      );
    }
  }

  async #send(line: string): Promise<void> {
    await this.#share.create(this.#temporary, line);
    this.#interruption.throwIfInterrupted();
    this.#sentAt = performance.now();
    await this.#share.rename(this.#temporary, this.#request);
  }

  async #receive(change: Change): Promise<Answered> {
    for (;;) {
      await change.happened();
      this.#interruption.throwIfInterrupted();
      const line = await this.#answer.read();
      if (line !== undefined) return this.#answered(line);
    }
  }

  /**
   * Takes the request back. If the mediator has cleared it, it has answered before; then a call
   * whose time is over has its answer after all.
   */
  async #withdraw(): Promise<Answered | undefined> {
    await quietly(() => this.#share.remove(this.#temporary));
    if (this.#sentAt === undefined) return undefined;
    const wasThere = await quietly(() => this.#share.remove(this.#request));
    if (wasThere !== false || this.#interruption.reason?.code !== 'TIMEOUT') return undefined;
    const line = await quietly(() => this.#answer.read());
    return line === undefined ? undefined : this.#answered(line);
  }

  /** What stands there once the request is cleared is its response. */
  async #confirm(line: string, answered: Answered): Promise<Answered> {
    await this.#awaitClearing(line);
    const last = await quietly(() => this.#answer.read());
    return last === undefined ? answered : { ...answered, line: last };
  }

  /**
   * Waits until the request is gone, or is another one. A mediator that died never removes it; but where the
   * response is one to an earlier request, this one waits still.
   */
  async #awaitClearing(line: string): Promise<void> {
    const polls = new PolledChanges().of();
    this.#interruption.whenInterrupted(() => {
      polls.stop();
    });
    const due = performance.now() + CLEARING_MS;
    while ((await quietly(() => this.#requestText())) === line) {
      if (performance.now() >= due && (await this.#isOwnAnswer())) {
        await quietly(() => this.#share.remove(this.#request));
        return;
      }
      this.#interruption.throwIfInterrupted();
      await polls.happened();
    }
  }

  async #isOwnAnswer(): Promise<boolean> {
    const isOwn = await quietly(() => this.#share.isResponseTo(this.#response, this.#request));
    return isOwn ?? false;
  }

  /** Empty if there is no request. */
  async #requestText(): Promise<string> {
    return (await this.#share.readIfThere(this.#request)) ?? '';
  }

  #answered(line: string): Answered {
    return { line, waitMs: performance.now() - (this.#sentAt ?? 0) };
  }
}

/** For clearing up: what fails now must not hide what happened before. */
async function quietly<T>(operation: () => Awaitable<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch {
    return undefined;
  }
}
