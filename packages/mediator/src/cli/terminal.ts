import { closeSync, constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** How long a terminal that is being closed may still be open after SIGHUP, milliseconds. */
const CLOSING_MS = 1000;

interface TerminalEvents {
  /** SIGHUP, because the terminal is closed from which the process was started. */
  readonly onClosed: () => void;
  /** SIGHUP otherwise. */
  readonly onHangup: () => void;
}

/**
 * Finds out what SIGHUP means: that the terminal is closed from which the process was started, or, as for
 * a daemon, that it is to reload. A terminal that is closed refuses every call (`hung_up_tty_fops` of
 * Linux), and so is one no more; or the process has none any more, since its session's leader has ended.
 * A shell that ends sends the signal shortly before either.
 */
export class Terminal {
  readonly #events: TerminalEvents;
  readonly #descriptors = [0, 1, 2].filter((fd) => isatty(fd));
  readonly #wasControlling = isControlling();

  /** Remembers the terminal that the process has now. */
  constructor(events: TerminalEvents) {
    this.#events = events;
  }

  /** To be called at SIGHUP. */
  hangup(): void {
    if (this.#isClosed) {
      this.#events.onClosed();
      return;
    }
    this.#events.onHangup();
    setTimeout(() => {
      if (this.#isClosed) this.#events.onClosed();
    }, CLOSING_MS).unref();
  }

  /**
   * To be called when the process exits: Node then sets the terminal to what it was at the start, and aborts
   * if it is closed.
   */
  release(): void {
    for (const fd of this.#descriptors) {
      if (isatty(fd)) continue;
      closeSync(fd);
      // Takes the lowest number, which is the one that has become free.
      openSync('/dev/null', constants.O_RDWR);
    }
  }

  get #isClosed(): boolean {
    if (this.#descriptors.length === 0) return false;
    return (
      (this.#wasControlling && !isControlling()) || !this.#descriptors.some((fd) => isatty(fd))
    );
  }
}

/** Whether this process has a controlling terminal (tty(4)). */
function isControlling(): boolean {
  try {
    closeSync(openSync('/dev/tty', constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
    return true;
  } catch {
    return false;
  }
}
