import { requestName, type Slot } from '@vgpu/protocol';
import { COST } from '../scheduling/cost.js';
import { UndeliverableError } from '../scheduling/request-source.js';
import { toNs } from '../time.js';
import type { FileVersion } from './file-version.js';
import type { AdmittedFile, Share } from './share.js';
import type { ArrivedContent } from './vm-directory.js';

/** The file of a request: the spool's ticket. It is void once another file has its name. */
export class RequestFile implements AdmittedFile {
  readonly requests: Share;
  readonly name: string;
  readonly slot: string;
  readonly arrivalNs: bigint;
  readonly #slot: Slot;
  readonly #isIrregular: boolean;
  /** The plain slot's request as it was read; undefined if it was too large to read. */
  readonly #plainText: string | undefined;
  readonly #readMs = performance.now();
  #version: FileVersion;
  #isMarked = false;
  #isSuperseded = false;
  #bytes = 0;

  /** @param deferred Whether it waited because its VM was over its limit: its arrival is now. */
  constructor(requests: Share, slot: Slot, content: ArrivedContent, deferred: boolean) {
    this.requests = requests;
    this.name = requestName(slot);
    this.slot = slot.kind === 'plain' ? '.' : slot.id;
    this.#slot = slot;
    this.#isIrregular = content.kind === 'irregular';
    if (slot.kind === 'plain' && content.kind === 'text') this.#plainText = content.text;
    this.#version = content.version;
    this.arrivalNs = deferred ? nowNs(content.version) : content.version.ctimeNs;
  }

  /** The file's version as it was last read. */
  get version(): FileVersion {
    return this.#version;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isUntouched(): boolean {
    return this.requests.directory.stateOf(this.#slot, this.#version) === 'untouched';
  }

  supersede(): void {
    this.#isSuperseded = true;
  }

  admit(bytes: number): number {
    this.#bytes = bytes;
    const isPlain = this.#slot.kind === 'plain';
    if (isPlain) this.requests.directory.emptyPlainResponse();
    this.requests.admit(this);
    return isPlain ? COST.read : 0;
  }

  isCurrent(withinMs = 0): boolean | undefined {
    const isPlain = this.#slot.kind === 'plain';
    if (!isPlain && performance.now() - this.#readMs < withinMs) return true;
    try {
      // Without the mark, a plain request cannot be told from the next one.
      return this.isUntouched && (!isPlain || this.#mark());
    } catch (error) {
      this.requests.recordFailure(error);
      return undefined;
    }
  }

  respond(line: string): 'delivered' | 'withdrawn' {
    try {
      return this.#respond(line);
    } catch (error) {
      if (error instanceof UndeliverableError && this.#isIrregular) this.#leaveDirectory();
      throw error;
    }
  }

  release(): void {
    this.requests.release(this);
  }

  withdraw(): void {
    this.requests.release(this);
    // The file that took the name keeps the place of this one.
    if (this.#isSuperseded) this.requests.readNext(this.name);
    else this.requests.notice(this.name);
  }

  #respond(line: string): 'delivered' | 'withdrawn' {
    const { directory } = this.requests;
    if (this.#isIrregular) {
      directory.respondToIrregular(this.#slot, this.#version, line, () => {
        this.requests.leave(this.name, this.#version);
      });
      return 'delivered';
    }
    if (this.#slot.kind === 'plain' && !this.#isMarked && !this.#mark()) return 'withdrawn';
    const delivery = directory.respond(this.#slot, this.#version, line);
    return delivery === 'delivered' ? 'delivered' : 'withdrawn';
  }

  /** Marks the plain request, so that any later write into it shows; false if it has become another request. */
  #mark(): boolean {
    const marked = this.requests.directory.markPlain(this.#plainText);
    this.#version = marked ?? this.#version;
    this.#isMarked ||= marked !== undefined;
    return marked !== undefined;
  }

  /** Leaves a directory that could not get a response, and cannot be removed. */
  #leaveDirectory(): void {
    try {
      const rest = this.requests.directory.read(this.#slot);
      if (rest.kind === 'irregular') this.requests.leave(this.name, rest.version);
    } catch (error) {
      // A failed system call: the directory is found again. A defect is thrown.
      this.requests.explain(error);
    }
  }
}

/** The current time, but not before the file's last change. */
function nowNs({ ctimeNs }: FileVersion): bigint {
  const now = toNs(Date.now() + 1);
  return now > ctimeNs ? now : ctimeNs;
}
