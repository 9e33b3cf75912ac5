import { ExitCode, printable } from '@vgpu/protocol';
import { helpOf } from '@vgpu/protocol/cli';
import { MediatorError } from '../../mediator-error.js';
import { resolveOptions, stateDirOf } from '../config.js';
import { OPTIONS } from '../options.js';
import { styleFor } from '../terminal-text.js';
import type { NamedDiagnosis } from '../../doctor/examine.js';
import {
  type Command,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type CliContext,
  value,
} from './command.js';

const COLOURS = { ok: 'green', finding: 'red', skipped: 'dim' } as const;

/** `doctor`: finds common mistakes in the set-up of a host. */
export const doctor: Command = {
  usage: 'doctor',
  summary: 'check this host: devices, permissions, exports, limits, clock',
  build: (parser) =>
    parser
      .options({
        skip: value('checks to leave out, such as mount,file-system'),
        backend: value(helpOf(OPTIONS.backend)),
        devices: value(helpOf(OPTIONS.devices)),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 doctor', 'the result of each check, with a remedy for each finding')
      .example('$0 doctor --skip mount,leases', 'leave out checks whose findings are intentional')
      .example('$0 doctor --json | jq \'.[] | select(.result=="finding")\'', 'for a program')
      .epilog(
        'It changes nothing; run it as root, or as the user of the mediator. The mediator may be running. ' +
          'The checks: addon and devices (driver, GPUs, --devices), ' +
          'pools, root, vm-directories and state (owners and permissions), registry (and register ' +
          'blocks), exports and leases (NFS exports, compared with SECURITY.md), inotify and open-files ' +
          '(limits against the number of VMs), file-system and mount, clock and timestamps, instance ' +
          '(a mediator that hangs, or files left by one).\n',
      ),
  run: async (flags, context) => {
    const options = resolveOptions({ flags, environment: context.environment });
    const { CHECKS, examine } = await import('../../doctor/examine.js');
    const { listDevices } = await import('@vgpu/cuda-binding');
    const skipped = skippedOf(flags, CHECKS);
    const { root, backend, devices } = options;
    const found = await examine(
      { root, stateDir: stateDirOf(options), backend, devices, listDevices },
      CHECKS.filter((name) => !skipped.includes(name)),
    );
    context.print(flags['json'] === true ? JSON.stringify(found, null, 2) : textOf(found, context));
    const count = found.filter(({ result }) => result === 'finding').length;
    if (count === 0) return ExitCode.OK;
    if (flags['json'] !== true) context.note(count === 1 ? '1 finding' : `${count} findings`);
    return ExitCode.FINDINGS;
  },
};

function skippedOf({ skip }: Flags, known: readonly string[]): string[] {
  if (skip === undefined) return [];
  const names = (skip as string).split(',');
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new MediatorError(
    'USAGE',
    `--skip: expected names among ${known.join(', ')}, got ${printable(unknown)}; see --help of the command`,
  );
}

/** A line for each check, with its remedy below; for programs, both in one line, separated by tabs. */
function textOf(found: readonly NamedDiagnosis[], context: CliContext): string {
  const style = styleFor(context);
  return found
    .map(({ check, result, message, remedy }) => {
      if (!context.isTerminal) return [result, check, message, remedy ?? ''].join('\t');
      const line = `${style(COLOURS[result], result.padEnd(8))} ${check.padEnd(14)} ${message}`;
      return remedy === undefined ? line : `${line}\n${' '.repeat(24)}${style('bold', remedy)}`;
    })
    .join('\n');
}
