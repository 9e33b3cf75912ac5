import { execFile } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makeDirectory } from '../state/directories.js';
import { MediatorError } from '../mediator-error.js';
import { shellWords } from './commands/shell.js';
import { sysusersText, unitText, type UnitOptions } from './service-unit.js';

export const UNIT = 'vgpu-mediator.service';
const UNIT_PATH = `/etc/systemd/system/${UNIT}`;
const SYSUSERS_PATH = '/etc/sysusers.d/vgpu-mediator.conf';

/** One change of a host. */
export type Step =
  | { readonly write: string; readonly content: string }
  | { readonly remove: string }
  | { readonly run: readonly [string, ...string[]] };

/** Runs a program. @throws its error message if it fails. */
export type Run = (program: string, args: readonly string[]) => Promise<unknown>;

/**
 * The steps that install the service.
 *
 * @param now Whether to start it, now and at every start of the host.
 * @param exists Whether a directory exists: an existing one keeps its owner and its mode.
 */
export function installation(
  options: UnitOptions,
  now: boolean,
  exists: (path: string) => boolean = existsSync,
): Step[] {
  const { user, root, stateDir } = options;
  const directory = (path: string, mode: string): Step[] =>
    exists(path) ? [] : [{ run: ['install', '-d', '-o', user, '-g', user, '-m', mode, path] }];
  return [
    { write: SYSUSERS_PATH, content: sysusersText(options) },
    { write: UNIT_PATH, content: unitText(options) },
    { run: ['systemd-sysusers', SYSUSERS_PATH] },
    ...directory(root, '0755'),
    ...directory(stateDir, '0700'),
    { run: ['systemctl', 'daemon-reload'] },
    ...(now ? [{ run: ['systemctl', 'enable', '--now', UNIT] } as const] : []),
  ];
}

/** The steps that remove the service; its user and its directories stay, with their contents. */
export function removal(): Step[] {
  return [
    { run: ['systemctl', 'disable', '--now', UNIT] },
    { remove: UNIT_PATH },
    { remove: SYSUSERS_PATH },
    { run: ['systemctl', 'daemon-reload'] },
  ];
}

/** A step as one line for people. */
export function stepText(step: Step, destdir: string): string {
  if ('run' in step) return shellWords(step.run);
  return 'write' in step
    ? `write ${join(destdir, step.write)}`
    : `remove ${join(destdir, step.remove)}`;
}

/**
 * The steps for a destination: with a directory other than `/`, only those that write or remove
 * files.
 */
export function stepsFor(steps: readonly Step[], destdir: string): Step[] {
  return steps.filter((step) => destdir === '/' || !('run' in step));
}

/**
 * Does steps, in their order.
 *
 * @param destdir Below which files are written; `/` for this host.
 * @throws MediatorError `SERVICE_UNUSABLE`, at the first that fails.
 */
export async function execute(
  steps: readonly Step[],
  destdir: string,
  run: Run = promisify(execFile),
): Promise<void> {
  for (const step of stepsFor(steps, destdir)) {
    try {
      if ('run' in step) await run(step.run[0], step.run.slice(1));
      else if ('write' in step) write(join(destdir, step.write), step.content);
      else rmSync(join(destdir, step.remove), { force: true });
    } catch (cause) {
      const reason = (cause as Error).message.trim();
      throw new MediatorError(
        'SERVICE_UNUSABLE',
        `cannot ${stepText(step, destdir)}: ${reason}; run it as root, on a host with systemd`,
        { cause },
      );
    }
  }
}

function write(path: string, content: string): void {
  makeDirectory(dirname(path), 0o755);
  writeFileSync(path, content, { mode: 0o644 });
  // Not subject to the umask.
  chmodSync(path, 0o644);
}
