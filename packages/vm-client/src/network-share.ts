import fs from 'node:fs/promises';
import {
  CREATE,
  EMPTY,
  falseIfAbsent,
  isAbsent,
  isCurtailed,
  isResponseTo,
  newReadBuffer,
  READ,
  REQUEST_MODE,
} from './file-access.js';
import type { Share } from './share.js';

/**
 * A directory of another machine. Asynchronous: where the server hangs, a call blocks a thread of
 * Node's pool and not the event loop, so that time-outs still fire.
 */
export class NetworkShare implements Share {
  protected readonly directory: string;
  /** Buffers that no read uses now: 64 KiB are too much to allocate for each poll. */
  readonly #buffers: Buffer[] = [];

  constructor(directory: string) {
    this.directory = directory;
  }

  /** The mode needs no call of its own: the server has told it with the file. */
  async create(name: string, text: string): Promise<void> {
    const file = await fs.open(this.#path(name), CREATE, REQUEST_MODE);
    try {
      if (isCurtailed(await file.stat())) await file.chmod(REQUEST_MODE);
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  }

  /** By an empty file: an NFS client remembers for up to a minute that a name does not exist. */
  async clearAnswer(name: string): Promise<void> {
    const file = await fs.open(this.#path(name), EMPTY);
    await file.close();
  }

  rename(from: string, to: string): Promise<void> {
    return fs.rename(this.#path(from), this.#path(to));
  }

  /** Opens each time: over NFS an open asks the server, where a stat may answer from a cache. */
  async read(name: string): Promise<string> {
    const file = await fs.open(this.#path(name), READ);
    const buffer = this.#buffers.pop() ?? newReadBuffer();
    try {
      const { bytesRead } = await file.read(buffer);
      return buffer.toString('latin1', 0, bytesRead);
    } finally {
      await file.close();
      this.#buffers.push(buffer);
    }
  }

  async readIfThere(name: string): Promise<string | undefined> {
    try {
      return await this.read(name);
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async isResponseTo(response: string, request: string): Promise<boolean> {
    const [answer, asked] = await Promise.all(
      [response, request].map((name) => fs.lstat(this.#path(name), { bigint: true })),
    );
    return answer !== undefined && asked !== undefined && isResponseTo(answer, asked);
  }

  async remove(name: string): Promise<boolean> {
    try {
      await fs.unlink(this.#path(name));
      return true;
    } catch (error) {
      return falseIfAbsent(error);
    }
  }

  #path(name: string): string {
    return `${this.directory}/${name}`;
  }
}
