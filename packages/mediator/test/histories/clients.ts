import type { Guest } from './guest.js';
import type { HistoryEvent, Sum } from './history.js';
import type { Random } from '../../../../tests/support/random.js';

/** A client's pause before its next file operation. */
export interface Pause {
  /** It pauses for this long if no other client has a step to take. */
  readonly restMs?: number;
  /** It continues within this time: a mediator may take the unfinished file for a whole request. */
  readonly withinMs?: number;
}

/** One file operation after another. */
export type Steps = Generator<Pause, void>;

/** How a request gets into its place. */
export type Writing = 'renamed' | 'in place' | 'in pieces' | 'in pieces without newline';

export interface ClientOptions {
  readonly guest: Guest;
  readonly random: Random;
  readonly history: HistoryEvent[];
  /** Of its requests, how many it withdraws. */
  readonly withdrawals: number;
}

/** Shorter than the settle time. */
const PIECES_WITHIN_MS = 100;
/** As the client library: a mediator that died never clears the plain slot. */
const CLEARING_POLLS = 50;

const NOW: Pause = {};

/** The clients of a VM: each kind is a way in which the protocol says that one may behave. */
export class Clients {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The client library, and shell scripts that give each request a name of its own. */
  *named(sums: readonly Sum[], writing: Writing): Steps {
    const { guest, history } = this.#options;
    for (const sum of sums) {
      const response = `response-${sum.slot}.txt`;
      const request = `request-${sum.slot}.txt`;
      guest.create(response, 'wx');
      yield NOW;
      yield* this.#send(sum, request, writing);
      const isWithdrawn = yield* this.#receiveOrWithdraw(sum, request, response);
      guest.remove(response);
      history.push({
        kind: 'step',
        who: String(sum.id),
        what: `tidied${isWithdrawn ? ', withdrawn' : ''}`,
      });
      yield this.#rest();
    }
  }

  /** The client library in plain mode. */
  *careful(sums: readonly Sum[]): Steps {
    const { guest } = this.#options;
    for (const sum of sums) {
      while (guest.read(REQUEST) !== '') yield this.#rest();
      guest.create(RESPONSE, 'w');
      yield NOW;
      yield* this.#send(sum, REQUEST, 'renamed');
      yield* this.#receiveOrWithdraw(sum, REQUEST, RESPONSE);
      guest.remove(RESPONSE);
      yield NOW;
      let polls = 0;
      for (; guest.read(REQUEST) === sum.line && polls < CLEARING_POLLS; polls += 1) {
        yield this.#rest();
      }
      if (polls === CLEARING_POLLS) guest.remove(REQUEST);
      yield this.#rest();
    }
  }

  /** An old client: writes in place, polls, empties the response, writes the next, often at once. */
  *old(sums: readonly Sum[], writing: Writing): Steps {
    const { guest, history, random } = this.#options;
    for (const sum of sums) {
      yield* this.#send(sum, REQUEST, writing);
      yield* this.#receive(sum, RESPONSE);
      guest.create(RESPONSE, 'w');
      history.push({ kind: 'step', who: String(sum.id), what: 'emptied the response' });
      yield random.chance(0.7) ? NOW : this.#rest();
    }
  }

  /** A person with a shell, who waits until the request is gone, and empties nothing. */
  *shell(sums: readonly Sum[], writing: Writing): Steps {
    const { guest, history } = this.#options;
    for (const sum of sums) {
      yield* this.#send(sum, REQUEST, writing);
      while (guest.exists(REQUEST)) yield this.#rest();
      history.push({ kind: 'read', sum, text: guest.read(RESPONSE) });
      yield this.#rest();
    }
  }

  *#send(sum: Sum, request: string, writing: Writing): Steps {
    const { guest } = this.#options;
    if (writing === 'renamed') {
      const temporary = `.${request.replace(/\.txt$/, '')}.${sum.id}`;
      guest.create(temporary, 'wx');
      yield NOW;
      guest.append(temporary, sum.line);
      yield NOW;
      guest.rename(temporary, request);
      this.#sent(sum, sum.line, guest.ctimeNs(request));
    } else {
      const file = guest.open(request);
      yield NOW;
      const pieces = this.#pieces(sum.line, writing);
      for (const [i, piece] of pieces.entries()) {
        file.write(piece);
        if (i < pieces.length - 1) yield { withinMs: PIECES_WITHIN_MS };
      }
      this.#sent(sum, pieces.join(''), file.ctimeNs);
      file.close();
    }
    yield NOW;
  }

  #sent(sum: Sum, text: string, stampNs: bigint): void {
    this.#options.history.push({ kind: 'sent', sum, text, stampNs });
  }

  #pieces(line: string, writing: Writing): string[] {
    if (writing === 'in place') return [line];
    const text = writing === 'in pieces' ? line : line.trimEnd();
    // Often the first part alone would be a valid request, with another sum.
    const cut = text.length - this.#options.random.between(1, 4);
    return [text.slice(0, cut), text.slice(cut)];
  }

  *#receive(sum: Sum, response: string): Steps {
    const { guest, history } = this.#options;
    for (;;) {
      const text = guest.read(response);
      if (text.endsWith('\n')) {
        history.push({ kind: 'read', sum, text });
        if (!isExcused(sum, text)) break;
      }
      yield this.#rest();
    }
    yield NOW;
  }

  /** @returns whether it was withdrawn. */
  *#receiveOrWithdraw(sum: Sum, request: string, response: string): Generator<Pause, boolean> {
    const { guest, history, random, withdrawals } = this.#options;
    if (!random.chance(withdrawals)) {
      yield* this.#receive(sum, response);
      return false;
    }
    for (let patience = random.below(10); patience > 0; patience -= 1) {
      const text = guest.read(response);
      if (text.endsWith('\n')) {
        yield* this.#receive(sum, response);
        return false;
      }
      yield this.#rest();
    }
    const found = guest.remove(request);
    history.push({ kind: 'withdrawn', sum, found });
    yield NOW;
    if (found) return true;
    // The mediator has cleared it, so its response came before.
    history.push({ kind: 'read', sum, text: guest.read(response) });
    yield NOW;
    return false;
  }

  #rest(): Pause {
    const { random } = this.#options;
    return { restMs: random.chance(0.5) ? 1 : random.between(1, 100) };
  }
}

const REQUEST = 'request.txt';
const RESPONSE = 'response.txt';

/** A client may read a late response to an earlier request; then it waits on. */
function isExcused(sum: Sum, text: string): boolean {
  return text !== sum.response;
}
