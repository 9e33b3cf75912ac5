import { ExitCode } from '@vgpu/protocol';
import type { CliContext } from '../../src/cli/commands/command.js';
import { parseCommandLine } from '../../src/cli/command-line.js';
import { MediatorError } from '../../src/mediator-error.js';

/** Runs commands of an administrator in this process, and keeps what they print. */
export class CommandRunner {
  /** Output and notes since the last {@link forget}. */
  printed: string[] = [];
  notes: string[] = [];
  isTerminal = false;
  rows = 24;
  program = ['/usr/bin/node', '/usr/lib/node_modules/@vgpu/mediator/bundle/vgpu-mediator.cjs'];
  readonly environment: Record<string, string>;
  readonly interruption = new AbortController();

  /** @param root The root that is meant where none is given. */
  constructor(root: string) {
    this.environment = { VGPU_ROOT: root };
  }

  get context(): CliContext {
    return {
      environment: this.environment,
      program: () => this.program,
      isTerminal: this.isTerminal,
      terminalRows: () => this.rows,
      print: (text) => this.printed.push(text),
      write: (text) => this.printed.push(text),
      written: () => Promise.resolve(),
      note: (text) => this.notes.push(text),
      interruption: () => this.interruption.signal,
    };
  }

  /** Runs a command; gives its exit status. */
  async run(...argv: string[]): Promise<ExitCode> {
    const line = await parseCommandLine(argv, () => '1.2.3-test');
    if (line.command !== 'administer') throw new Error(`expected a command, got ${line.command}`);
    return line.run(this.context);
  }

  /** The whole output of a command. */
  async outputOf(...argv: string[]): Promise<string> {
    this.forget();
    const code = await this.run(...argv);
    if (code !== ExitCode.OK) throw new Error(`expected success, got ${code}`);
    return this.printed.join('\n');
  }

  /** Runs a command that is refused. */
  async errorOf(...argv: string[]): Promise<MediatorError> {
    try {
      await this.run(...argv);
    } catch (error) {
      if (error instanceof MediatorError) return error;
      throw error;
    }
    throw new Error('expected that the arguments were refused');
  }

  /** The text that a command line has printed instead of running a command. */
  async helpOf(...argv: string[]): Promise<string> {
    const line = await parseCommandLine([...argv, '--help'], () => '1.2.3-test');
    return line.command === 'print' ? line.text : '';
  }

  forget(): void {
    this.printed = [];
    this.notes = [];
  }
}
