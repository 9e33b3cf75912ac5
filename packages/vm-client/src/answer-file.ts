import { isErrno } from '@vgpu/linux';
import { isCompleteLine, MAX_LINE_BYTES } from '@vgpu/protocol';
import { VgpuError } from './errors.js';
import { isAbsent } from './file-access.js';
import { shareError } from './share-error.js';
import type { Share } from './share.js';

/** The response file of one request, as it looks while the answer is still to come. */
export class AnswerFile {
  readonly #share: Share;
  readonly #name: string;
  #hadInputOutputError = false;

  constructor(share: Share, name: string) {
    this.#share = share;
    this.#name = name;
  }

  /**
   * The response line, or undefined while it is not there in full: the file is absent or empty, does not
   * end in a newline yet, or still lacks a part, which reads as NUL.
   *
   * @throws VgpuError `BAD_RESPONSE`, `NO_PERMISSION` or `SHARE_UNAVAILABLE`.
   */
  async read(): Promise<string | undefined> {
    let text: string;
    try {
      text = await this.#share.read(this.#name);
    } catch (error) {
      if (this.#mayPass(error)) return undefined;
      throw shareError(`read ${this.#name}`, error, 'BAD_RESPONSE');
    }
    if (text.length > MAX_LINE_BYTES) {
      throw new VgpuError(
        'BAD_RESPONSE',
        `${this.#name} is longer than an answer may be (${MAX_LINE_BYTES} bytes); ` +
          'see what writes there besides the mediator',
      );
    }
    return isCompleteLine(text) ? text : undefined;
  }

  /**
   * Over NFS a file that was replaced while it was being opened is ESTALE, and one EIO may come
   * from the server's restart.
   */
  #mayPass(error: unknown): boolean {
    if (isAbsent(error)) return true;
    if (!isErrno(error, 'EIO') || this.#hadInputOutputError) return false;
    this.#hadInputOutputError = true;
    return true;
  }
}
