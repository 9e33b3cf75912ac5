import { isCompleteLine, slotOfRequest, type Slot } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import type { Step } from '../scheduling/request-source.js';
import { toNs } from '../time.js';
import type { Candidate } from './backlog.js';
import type { FileVersion } from './file-version.js';
import type { Finder } from './finder.js';
import { RequestFile } from './request-file.js';
import type { Share, SpoolEvents } from './share.js';
import type { ArrivedContent } from './vm-directory.js';

/** Directories with a request's name that are remembered per VM as having their response. */
const MAX_LEFT = 64;

/**
 * Reads the file of a name. It tells complete requests from names without one, from requests that are still
 * being written, and from requests that already have a response.
 */
export class SlotReader {
  readonly #share: Share;
  readonly #finder: Finder;
  readonly #events: SpoolEvents;
  /** Requests written before may have their response from a mediator that was killed. */
  readonly #startedNs = toNs(Date.now());
  /** Directories that could not be removed, and the inode of each. */
  readonly #left = new Map<string, bigint>();

  constructor(share: Share, finder: Finder, events: SpoolEvents) {
    this.#share = share;
    this.#finder = finder;
    this.#events = events;
  }

  /** @throws the error of the system call that failed. */
  read({ name, deferred }: Candidate): Step {
    const slot = slotOfRequest(name);
    if (slot === undefined) return { cost: COST.read };
    const known = this.#finder.admitted.get(name);
    if (known !== undefined) {
      if (known.isUntouched) return { cost: COST.read };
      known.supersede();
      return { superseded: known, cost: COST.read };
    }
    const { directory, settling } = this.#share;
    const content = directory.read(slot);
    if (content.kind === 'absent' || content.kind === 'empty') {
      settling.forget(name);
      if (content.kind === 'empty') this.#finder.noticeEmpty(name);
      return { cost: COST.read };
    }
    const bytes = content.kind === 'text' ? content.text.length : 0;
    const cost = COST.read + COST.readByte * bytes;
    if (this.#wasLeft(slot, name, content) || !this.#isComplete(name, content)) return { cost };
    if (this.#hasResponse(slot, content.version)) {
      directory.clear(slot, content.version);
      this.#events.emit('requestCleared', this.#share, name);
      return { cost: cost + COST.response };
    }
    const ticket = new RequestFile(this.#share, slot, content, deferred);
    return { arrival: { ticket, content }, cost };
  }

  /** A directory has its response and cannot be removed: it is remembered as long as it exists. */
  leave(name: string, { ino }: FileVersion): void {
    for (const [oldest] of this.#left) {
      if (this.#left.size < MAX_LEFT) break;
      this.#left.delete(oldest);
    }
    this.#left.set(name, ino);
  }

  /** A file that is too large, a hard link and a directory may also be a writer's intermediate step. */
  #isComplete(name: string, content: ArrivedContent): boolean {
    const { settling } = this.#share;
    if (content.kind === 'text' && isCompleteLine(content.text)) {
      settling.forget(name);
      return true;
    }
    if (settling.isSettled(name, content.version)) return true;
    // More files are settling than can be observed.
    if (!settling.has(name)) this.#finder.findLater();
    return false;
  }

  /** Whether this is a directory that has its response and could not be removed. */
  #wasLeft(slot: Slot, name: string, content: ArrivedContent): boolean {
    if (content.kind !== 'irregular' || content.what !== 'a directory') return false;
    const isRemembered = this.#left.get(name) === content.version.ino;
    return isRemembered || this.#share.directory.hasNewerResponse(slot, content.version);
  }

  #hasResponse(slot: Slot, version: FileVersion): boolean {
    return version.ctimeNs <= this.#startedNs && this.#share.directory.hasResponse(slot, version);
  }
}
