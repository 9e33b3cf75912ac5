import yargs from 'yargs';
import { MediatorError } from '../mediator-error.js';
import { LOCATION, type Surroundings, toggle, value } from './commands/command.js';
import { vmCommands } from './commands/vm.js';
import { BACKENDS, LOG_FORMATS, LOG_LEVELS } from './options.js';

export type CommandLine =
  | { readonly command: 'serve'; readonly flags: Readonly<Record<string, unknown>> }
  /** Something that is done at once, beside a mediator that may be running. */
  | { readonly command: 'administer'; readonly run: (surroundings: Surroundings) => void }
  /** `--help` or `--version`: print and be done. */
  | { readonly command: 'print'; readonly text: string };

/** The options of `serve`, which may also stand before it. */
const SERVE_OPTIONS = {
  root: LOCATION.root,
  'state-dir': LOCATION['state-dir'],
  backend: value(`${BACKENDS.join(', ')} [default: auto]`),
  devices: value('all, or device numbers, such as 0,1 [default: all]'),
  'cpu-delay': value('make the CPU device that slow, ms [default: 0]'),
  'poll-interval': value('look at VM directories so often, ms [default: 1000]'),
  settle: value('accept a request without newline after so long, ms [default: 200]'),
  'max-queued-per-vm': value('requests of one VM in the queue [default: 64]'),
  'exec-limit': value('an operation that takes longer failed, ms [default: 10000]'),
  retention: value('keep answers that nobody fetches so long, ms [default: 3600000]'),
  'require-registration': toggle('serve none but registered VMs'),
  'rate-limit': value('requests per second of one VM [default: no limit]'),
  'rate-burst': value('requests of one VM at once within that [default: of one second]'),
  once: toggle('serve what is there, then exit'),
  config: value('JSON file with these options'),
  'log-level': value(`${LOG_LEVELS.join(', ')} [default: info]`),
  'log-format': value(`${LOG_FORMATS.join(', ')} [default: pretty]`),
};

/**
 * Reads the command line.
 *
 * @throws MediatorError `USAGE`.
 */
export async function parseCommandLine(
  argv: readonly string[],
  version: string,
): Promise<CommandLine> {
  let printed = '';
  let problem: string | undefined;
  let chosen: CommandLine | undefined;
  const parser = yargs()
    .scriptName('vgpu-mediator')
    .usage('$0 [serve]\n\nServes the requests that virtual machines put below a directory.')
    // Known here, too, for those that stand before a command; not global, or every command had them.
    .options(
      Object.fromEntries(
        Object.entries(SERVE_OPTIONS).map(([name, option]) => [name, { ...option, global: false }]),
      ),
    )
    .command(['serve', '$0'], 'serve requests until stopped (default)', (command) =>
      command.options(SERVE_OPTIONS),
    )
    .command(
      'vm',
      'administer virtual machines: vm add, vm show',
      vmCommands((command, flags) => {
        chosen = {
          command: 'administer',
          run: (surroundings) => {
            command.run(flags, surroundings);
          },
        };
      }),
    )
    .epilog(
      'Each option of serve may also come from the environment (VGPU_ROOT, VGPU_POLL_INTERVAL, ...) or ' +
        'from the config file; the flag counts first, then the environment, then the file.',
    )
    .locale('en')
    .strict()
    .version(version)
    .parserConfiguration({
      'camel-case-expansion': false,
      'duplicate-arguments-array': false,
      'parse-positional-numbers': false,
    })
    .exitProcess(false)
    .fail((message, error) => {
      problem = message || error.message;
    });
  const flags = await parser.parseAsync([...argv], {}, (_error, _argv, output) => {
    printed = output;
  });
  if (problem !== undefined) {
    throw new MediatorError('USAGE', `${problem}; see vgpu-mediator --help`);
  }
  if (printed !== '') return { command: 'print', text: printed };
  return chosen ?? { command: 'serve', flags };
}
