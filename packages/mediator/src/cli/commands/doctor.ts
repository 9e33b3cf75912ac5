import { ExitCode, printable } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { resolveOptions, stateDirOf } from '../config.js';
import { styleFor } from '../style.js';
import {
  type Command,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type Surroundings,
  value,
} from './command.js';
import type { NamedDiagnosis } from '../../doctor/examine.js';

const COLOURS = { ok: 'green', finding: 'red', skipped: 'dim' } as const;

/** `doctor`: checks what an operator gets wrong. */
export const doctor: Command = {
  usage: 'doctor',
  summary: 'check this host: devices, permissions, exports, limits, clock',
  build: (parser) =>
    parser
      .options({
        skip: value('checks to leave out, such as mount,file-system'),
        backend: value('auto, cuda or cpu, as serve has it [default: auto]'),
        devices: value('all, or device numbers, as serve has them [default: all]'),
        ...JSON_OPTION,
        ...LOCATION,
      })
      .example('$0 doctor', 'each check, and what to do about what it has found')
      .example('$0 doctor --skip mount,leases', 'where these are as they are for a reason')
      .example('$0 doctor --json | jq \'.[] | select(.result=="finding")\'', 'for a program')
      .epilog(
        'It looks, and changes nothing; run it as root, or as the mediator. The mediator may run ' +
          'meanwhile. The checks: addon and devices (driver, GPUs, --devices), ' +
          'pools, root, vm-directories and state (owners and permissions), registry (and register ' +
          'blocks), exports and leases (what exportfs exports, against SECURITY.md), inotify and open-files ' +
          '(limits against the number of VMs), file-system and mount, clock and timestamps, instance ' +
          '(a mediator that hangs, or what is left of one).\n\n' +
          'Exit status: 0 all is well; 1 there are findings; 64 wrong use; 78 the configuration is ' +
          'invalid.',
      ),
  run: async (flags, surroundings) => {
    const options = resolveOptions({ flags, environment: surroundings.environment });
    const { CHECKS, examine } = await import('../../doctor/examine.js');
    const { listDevices } = await import('@vgpu/cuda-binding');
    const left = skippedOf(flags, CHECKS);
    const { root, backend, devices } = options;
    const found = await examine(
      { root, stateDir: stateDirOf(options), backend, devices, listDevices },
      CHECKS.filter((name) => !left.includes(name)),
    );
    surroundings.print(
      flags['json'] === true ? JSON.stringify(found, null, 2) : textOf(found, surroundings),
    );
    const count = found.filter(({ result }) => result === 'finding').length;
    if (count === 0) return ExitCode.OK;
    if (flags['json'] !== true) surroundings.note(count === 1 ? '1 finding' : `${count} findings`);
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
    `--skip: expected some of ${known.join(', ')}, got ${printable(unknown)}; see --help of the command`,
  );
}

/** A line for each, with its remedy below; for programs, both in one line with tabs between. */
function textOf(found: readonly NamedDiagnosis[], surroundings: Surroundings): string {
  const style = styleFor(surroundings);
  return found
    .map(({ check, result, message, remedy }) => {
      if (!surroundings.isTerminal) return [result, check, message, remedy ?? ''].join('\t');
      const line = `${style(COLOURS[result], result.padEnd(8))} ${check.padEnd(14)} ${message}`;
      return remedy === undefined ? line : `${line}\n${' '.repeat(24)}${style('bold', remedy)}`;
    })
    .join('\n');
}
