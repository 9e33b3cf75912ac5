import type { Argv } from 'yargs';
import { OPTIONS, PARSING } from './arguments.js';

const USAGE = `Adds two numbers, or two lists of numbers, on the GPU of this VM's host.

  $0 100 200
  $0 -1,-2 3,4 --vm-id 1 --root ./vgpu`;

const EPILOGUE = `Every option can be set by the variable beside it; the option counts first.

Exit status: 0 the sum was printed; 64 wrong use, or an operand is no int32; 65 the mediator
rejected the request; 69 no share, no device, or nothing says which VM this is; 70 internal error;
73 the request could not be created; 75 try again: no answer in time, rate limited, slot in use;
77 no permission; 78 the environment or the register block is invalid.`;

/** yargs with all that it has to know of this program. Loads it: few calls need it. */
export async function newYargs(): Promise<Argv> {
  const { default: yargs } = await import('yargs');
  return yargs()
    .scriptName('vgpu-vm-client')
    .help(false)
    .version(false)
    .usage(USAGE)
    .epilogue(EPILOGUE)
    .options(OPTIONS)
    .parserConfiguration(PARSING)
    .locale('en')
    .strictOptions()
    .exitProcess(false)
    .wrap(100);
}

/** The text of the help. */
export async function help(): Promise<string> {
  return (await newYargs()).getHelp();
}
