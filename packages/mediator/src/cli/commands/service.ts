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
  execute,
  UNIT,
} from '../installation.js';
import { isPlausiblePath } from '../options.js';
import { plainServeFlags, refuseMisuse } from '../serve-flags.js';
import { requireWithinSandbox } from '../service-sandbox.js';
import { unitText, type UnitOptions } from '../service-unit.js';
import {
  type Command,
  type CommandGroup,
  type Flags,
  JSON_OPTION,
  LOCATION,
  type CliContext,
  toggle,
  value,
} from './command.js';

const UNIT_OPTIONS = {
  user: value('user of the service, with a group of the same name [default: vgpu]'),
  ...LOCATION,
};
const STEP_OPTIONS = {
  'dry-run': toggle('print what would be done'),
  destdir: value('write files below this directory, and run no command [default: /]'),
  ...JSON_OPTION,
};
const ARGUMENTS = {
  type: 'string',
  array: true,
  describe: 'after --: options of serve for the service',
} as const;

/** `service install`: sets up a systemd service that runs this installation. */
const serviceInstall: Command = {
  usage: 'install [arguments..]',
  summary: 'set up a systemd service for this installation: unit, user and directories',
  build: (parser) =>
    parser
      .positional('arguments', ARGUMENTS)
      .options({
        now: toggle('start it now and at every start of the host'),
        ...STEP_OPTIONS,
        ...UNIT_OPTIONS,
      })
      .example('$0 service install --now', 'set up and start the service')
      .example('$0 service install -- --http 127.0.0.1:9741 --log-format json', 'options of serve')
      .example('$0 service install --dry-run', 'what it would do')
      .epilog(
        'Writes the unit and a file for systemd-sysusers, which creates the user; creates the root and the ' +
          'state directory if they do not exist. When repeated, it replaces both files: put your own ' +
          `changes into a drop-in (systemctl edit ${UNIT}). Node, the mediator and all paths must be ` +
          'where the service can see them, not in a home directory or /tmp.\n',
      ),
  run: async (flags, context) => {
    const options = unitOptionsOf(flags, context);
    const now = flags['now'] === true;
    const code = await follow(installation(options, now), flags, context);
    if (!now && isForThisHost(flags)) context.note(`start it: systemctl enable --now ${UNIT}`);
    return code;
  },
};

/** `service uninstall`: stops and removes the service. */
const serviceUninstall: Command = {
  usage: 'uninstall',
  summary: 'stop the service, and remove its unit',
  build: (parser) =>
    parser
      .options(STEP_OPTIONS)
      .example('$0 service uninstall', 'finish the operations on the devices first')
      .epilog('The user, the root and the state directory stay, with their contents.\n'),
  run: (flags, context) => follow(removal(), flags, context),
};

/** `service print`: the unit, without installing it. */
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
      ),
  run: (flags, context) => {
    const unit = unitText(unitOptionsOf(flags, context));
    if (flags['json'] === true) context.print(JSON.stringify({ unit }, null, 2));
    else context.write(unit);
    return Promise.resolve(ExitCode.OK);
  },
};

export const serviceGroup: CommandGroup = {
  name: 'service',
  summary: 'run the mediator as a systemd service: install, uninstall, print',
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
  { print }: CliContext,
): Promise<ExitCode> {
  const destdir = destdirOf(flags);
  if (isForThisHost(flags) && !existsSync('/run/systemd/system')) {
    throw new MediatorError(
      'SERVICE_UNUSABLE',
      'this host is not run by systemd; use service print for the unit, or --destdir to write the files elsewhere',
    );
  }
  if (flags['dry-run'] !== true) await execute(steps, destdir);
  const done = stepsFor(steps, destdir);
  if (flags['json'] === true) print(JSON.stringify(done, null, 2));
  else for (const step of done) print(stepText(step, destdir));
  return ExitCode.OK;
}

function unitOptionsOf(flags: Flags, { environment, program }: CliContext): UnitOptions {
  const { user = 'vgpu', root: rootFlag, 'state-dir': stateFlag, config: configFlag } = flags;
  const args = argumentsOf(flags);
  const given = checkedArguments(args);
  const own = { root: rootFlag, 'state-dir': stateFlag, config: configFlag };
  const location = resolveOptions({ flags: own, environment });
  const root = resolve(location.root);
  const stateDir = resolve(stateDirOf(location));
  const file = configFileOf({ flags: own, environment })?.path;
  const config = file === undefined ? undefined : resolve(file);
  // The service will have another environment.
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

/** The arguments after `--`, which yargs leaves among the words of the command itself. */
function argumentsOf({ _: words, arguments: given }: Flags): readonly string[] {
  return [...(given as readonly string[]), ...(words as readonly string[]).slice(2)];
}

/** Options of serve that do not serve, and those that the unit itself needs. */
const NOT_FOR_A_SERVICE = ['once', 'check-config', 'print-config', 'json'];
const OF_THE_UNIT = ['root', 'state-dir', 'config'];

/**
 * Refuses arguments that would end the service at once, or have it use other directories than its
 * unit names.
 */
function checkedArguments(args: readonly string[]): Flags {
  const flags = plainServeFlags(['serve', ...args]);
  if (flags === undefined) {
    throw new MediatorError(
      'USAGE',
      `expected options of serve after --, got ${printable(args.join(' '))}; see vgpu-mediator serve --help`,
    );
  }
  refuseMisuse(args, flags);
  const isGiven = (name: string) => flags[name] !== undefined;
  const unfit = NOT_FOR_A_SERVICE.find(isGiven);
  if (unfit !== undefined) throw useless(unfit);
  const early = OF_THE_UNIT.find(isGiven);
  if (early !== undefined) {
    throw new MediatorError('USAGE', `the unit needs --${early}: give it before --`);
  }
  return flags;
}

function useless(option: string): MediatorError {
  return new MediatorError('USAGE', `a service cannot run with --${option}: leave it out`);
}

/** A name that systemd-sysusers accepts. */
function checkedUser(user: string): string {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(user)) return user;
  throw new MediatorError(
    'USAGE',
    `--user: expected a name of lower-case letters, digits, _ and -, got ${printable(user)}`,
  );
}
