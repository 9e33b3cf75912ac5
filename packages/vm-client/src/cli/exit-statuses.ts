import { ExitCode } from '@vgpu/protocol';
import type { ExitStatus } from '@vgpu/protocol/cli';

/** Commands as the documentation names them; `add` is the one without a name. */
export type CommandName = 'add' | 'bench' | 'completion';

const REQUESTING: readonly CommandName[] = ['add', 'bench'];

/**
 * Why `vgpu-vm-client` ends with which status: the help of each command and the documentation come
 * from it.
 */
export const EXIT_STATUSES: readonly ExitStatus<CommandName>[] = [
  { status: ExitCode.OK, meaning: 'success' },
  { status: ExitCode.USAGE, meaning: 'the command line is invalid, or an operand is not an int32' },
  {
    status: ExitCode.REJECTED,
    meaning: 'the mediator rejected the request',
    commands: REQUESTING,
  },
  { status: ExitCode.UNAVAILABLE, meaning: 'Node.js is too old, or the current directory is gone' },
  {
    status: ExitCode.UNAVAILABLE,
    meaning: 'no share, no device, a device that failed, or no source names the VM',
    commands: REQUESTING,
  },
  { status: ExitCode.INTERNAL, meaning: 'an internal error: please report it' },
  {
    status: ExitCode.INTERNAL,
    meaning: 'a response is wrong',
    commands: REQUESTING,
  },
  { status: ExitCode.CANT_CREATE, meaning: 'the request or the output cannot be written' },
  {
    status: ExitCode.TRY_AGAIN,
    meaning: 'try again: no response in time, rate limited, or the plain slot is in use',
    commands: REQUESTING,
  },
  { status: ExitCode.NO_PERMISSION, meaning: 'permission denied' },
  {
    status: ExitCode.CONFIG,
    meaning: 'a variable of the environment, or a register of the device, is invalid',
  },
  {
    status: '129, 130, 143',
    meaning: 'ended by SIGHUP, SIGINT or SIGTERM, after the requests were withdrawn',
  },
  { status: 141, meaning: 'the reader of the output has closed it, as `head` does' },
];
