import { closeSync, constants, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** How long a terminal may stay open after the SIGHUP of its closing, in milliseconds. */
const CLOSING_MS = 1000;

interface TerminalEvents {
  /** SIGHUP, because the terminal that started the process is closed. */
  readonly onClosed: () => void;
  /** SIGHUP otherwise. */
  readonly onHangup: () => void;
}

/**
 * Determines the meaning of SIGHUP: the terminal that started the process is closed, or, as for a
 * daemon, the configuration is to be reloaded. A closed terminal fails every call
 * (`hung_up_tty_fops` of Linux), so that isatty(3) returns false; or the process has no terminal
 * left, since the leader of its session has ended. A shell that ends sends the signal shortly
 * before either.
 */
export class Terminal {
  readonly #events: TerminalEvents;
  readonly #descriptors = [0, 1, 2].filter((fd) => isatty(fd));
  readonly #wasControlling = isControlling();

  /** Records the current terminal of the process. */
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
   * To be called when the process exits: Node then restores the terminal's settings, and aborts if
   * it is closed.
   */
  release(): void {
    for (const fd of this.#descriptors) {
      if (isatty(fd)) continue;
      closeSync(fd);
      // Takes the lowest free number, which is this one.
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
