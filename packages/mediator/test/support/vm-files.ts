import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { requestName, responseName, type Slot } from '@vgpu/protocol';

export const PLAIN: Slot = { kind: 'plain' };
export const named = (id: string): Slot => ({ kind: 'named', id });

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

  /** The answer; empty if there is none yet. */
  answer(slot: Slot): string {
    return existsSync(this.response(slot)) ? readFileSync(this.response(slot), 'latin1') : '';
  }

  hasRequest(slot: Slot): boolean {
    return existsSync(this.request(slot));
  }

  /** All names but that of an answered plain request, which the mediator holds for a while. */
  names(): string[] {
    const names = readdirSync(this.path).sort();
    return names.filter((name) => !HELD.test(name));
  }

  /** The names of answered plain requests that the mediator holds. */
  heldNames(): string[] {
    return readdirSync(this.path).filter((name) => HELD.test(name));
  }
}
