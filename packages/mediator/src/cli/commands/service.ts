import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { ExitCode, printable } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { configFileOf, resolveOptions, stateDirOf } from '../config.js';
import {
  installation,
  removal,
  type Step,
  stepsFor,
  stepText,
  take,
  UNIT,
} from '../installation.js';
import { isPlausiblePath } from '../options.js';
import { plainServeFlags, refuseOddSwitches } from '../serve-flags.js';
import { requireWithinSandbox } from '../service-sandbox.js';
import { unitText, type UnitOptions } from '../service-unit.js';
import {
  type Command,
  type CommandGroup,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type Surroundings,
  toggle,
  value,
} from './command.js';

const UNIT_OPTIONS = {
  user: value('user as whom it runs, with a group of the same name [default: vgpu]'),
  ...LOCATION,
};
const STEP_OPTIONS = {
  'dry-run': toggle('print what would be done'),
  destdir: value('write files below this directory, and run nothing [default: /]'),
  ...JSON_OPTION,
};
const ARGUMENTS = {
  type: 'string',
  array: true,
  describe: 'after --: options of serve for the service',
} as const;

const EXIT =
  'Exit status: 0 done; 64 wrong use; 69 no systemd, or it does not do what it is told; 77 no ' +
  'permission; 78 the configuration is invalid.';

/** `service install`: has systemd run this installation. */
const serviceInstall: Command = {
  usage: 'install [arguments..]',
  summary: 'have systemd run this installation: unit, user and directories',
  build: (parser) =>
    parser
      .positional('arguments', ARGUMENTS)
      .options({
        now: toggle('start it, now and whenever the host starts'),
        ...STEP_OPTIONS,
        ...UNIT_OPTIONS,
      })
      .example('$0 service install --now', 'from nothing to a service that runs')
      .example('$0 service install -- --http 127.0.0.1:9741 --log-format json', 'options of serve')
      .example('$0 service install --dry-run', 'what it would do')
      .epilog(
        'Writes the unit and a file for systemd-sysusers, which makes the user; makes the root and the ' +
          'state directory if they are not there. Repeated, it replaces both files: changes of your ' +
          `own belong into a drop-in (systemctl edit ${UNIT}). Node, the mediator and all paths must be ` +
          `where the service can see them, not in a home directory or /tmp.\n\n${EXIT}`,
      ),
  run: async (flags, surroundings) => {
    const options = unitOptionsOf(flags, surroundings);
    const now = flags['now'] === true;
    const code = await follow(installation(options, now), flags, surroundings);
    if (!now && isForThisHost(flags)) surroundings.note(`start it: systemctl enable --now ${UNIT}`);
    return code;
  },
};

/** `service uninstall`: the opposite. */
const serviceUninstall: Command = {
  usage: 'uninstall',
  summary: 'stop the service, and remove its unit',
  build: (parser) =>
    parser
      .options(STEP_OPTIONS)
      .example('$0 service uninstall', 'finishes what is on a device first')
      .epilog(
        `The user, the root and the state directory stay, with all that is in them.\n\n${EXIT}`,
      ),
  run: (flags, surroundings) => follow(removal(), flags, surroundings),
};

/** `service print`: the unit, and nothing else. */
const servicePrint: Command = {
  usage: 'print [arguments..]',
  summary: 'print the unit that install would write',
  build: (parser) =>
    parser
      .positional('arguments', ARGUMENTS)
      .options({ ...JSON_OPTION, ...UNIT_OPTIONS })
      .example(
        '$0 service print | systemd-analyze security --offline=true /dev/stdin',
        'its sandbox',
      )
      .epilog(EXIT),
  run: (flags, surroundings) => {
    const unit = unitText(unitOptionsOf(flags, surroundings));
    if (flags['json'] === true) surroundings.print(JSON.stringify({ unit }, null, 2));
    else surroundings.write(unit);
    return Promise.resolve(ExitCode.OK);
  },
};

export const serviceGroup: CommandGroup = {
  name: 'service',
  summary: 'have systemd run the mediator: install, uninstall, print',
  commands: [serviceInstall, serviceUninstall, servicePrint],
};

function destdirOf({ destdir = '/' }: Flags): string {
  if (isPlausiblePath(destdir as string)) return resolve(destdir as string);
  throw new MediatorError(
    'USAGE',
    `--destdir: expected a path, got ${printable(destdir as string)}`,
  );
}

function isForThisHost(flags: Flags): boolean {
  return destdirOf(flags) === '/' && flags['dry-run'] !== true;
}

async function follow(
  steps: readonly Step[],
  flags: Flags,
  { print }: Surroundings,
): Promise<ExitCode> {
  const destdir = destdirOf(flags);
  if (isForThisHost(flags) && !existsSync('/run/systemd/system')) {
    throw new MediatorError(
      'SERVICE_UNUSABLE',
      'systemd does not run this host; service print prints the unit, --destdir writes the files elsewhere',
    );
  }
  if (flags['dry-run'] !== true) await take(steps, destdir);
  const taken = stepsFor(steps, destdir);
  if (flags['json'] === true) print(JSON.stringify(taken, null, 2));
  else for (const step of taken) print(stepText(step, destdir));
  return ExitCode.OK;
}

function unitOptionsOf(flags: Flags, { environment, program }: Surroundings): UnitOptions {
  const { user = 'vgpu', root: rootFlag, 'state-dir': stateFlag, config: configFlag } = flags;
  const args = argumentsOf(flags);
  const given = checkedArguments(args);
  const own = { root: rootFlag, 'state-dir': stateFlag, config: configFlag };
  const location = resolveOptions({ flags: own, environment });
  const root = resolve(location.root);
  const stateDir = resolve(stateDirOf(location));
  const file = configFileOf({ flags: own, environment })?.path;
  const config = file === undefined ? undefined : resolve(file);
  // What the service will find, which has another environment.
  const options = resolveOptions({
    flags: { ...given, ...(config && { config }) },
    environment: {},
  });
  if (options.once) throw useless('once');
  requireWithinSandbox({ program: program(), root, stateDir, config, http: options.http });
  const place = ['--root', root, '--state-dir', stateDir];
  if (config !== undefined) place.push('--config', config);
  return {
    command: [...program(), 'serve', ...place, ...args],
    user: checkedUser(user as string),
    root,
    stateDir,
  };
}

/** What stands after `--`: yargs leaves that among the words of the command itself. */
function argumentsOf({ _: words, arguments: given }: Flags): readonly string[] {
  return [...(given as readonly string[]), ...(words as readonly string[]).slice(2)];
}

/** Options of serve that serve nobody, or of which the unit itself has to know. */
const NOT_FOR_A_SERVICE = ['once', 'check-config', 'print-config', 'json'];
const OF_THE_UNIT = ['root', 'state-dir', 'config'];

/** What would end the service again at once, or lead it elsewhere than its unit, is refused here. */
function checkedArguments(args: readonly string[]): Flags {
  const flags = plainServeFlags(['serve', ...args]);
  if (flags === undefined) {
    throw new MediatorError(
      'USAGE',
      `expected options of serve after --, got ${printable(args.join(' '))}; see vgpu-mediator serve --help`,
    );
  }
  refuseOddSwitches(args, flags);
  const isGiven = (name: string) => flags[name] !== undefined;
  const unfit = NOT_FOR_A_SERVICE.find(isGiven);
  if (unfit !== undefined) throw useless(unfit);
  const early = OF_THE_UNIT.find(isGiven);
  if (early !== undefined) {
    throw new MediatorError('USAGE', `the unit has to know --${early}: give it before --`);
  }
  return flags;
}

function useless(option: string): MediatorError {
  return new MediatorError('USAGE', `a service can't be run with --${option}: leave it out`);
}

/** As systemd-sysusers takes it. */
function checkedUser(user: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(user)) return user;
  throw new MediatorError(
    'USAGE',
    `--user: expected a name of lower-case letters, digits, _ and -, got ${printable(user)}`,
  );
}
