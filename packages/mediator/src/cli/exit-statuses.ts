import { ExitCode } from '@vgpu/protocol';
import type { ExitStatus } from '@vgpu/protocol/cli';

/** Commands as their help names them. */
export type CommandName =
  | 'serve'
  | `vm ${'add' | 'set' | 'list' | 'show' | 'suspend' | 'resume' | 'remove'}`
  | `pool ${'list' | 'set'}`
  | `service ${'install' | 'uninstall' | 'print'}`
  | 'status'
  | 'drain'
  | 'doctor'
  | 'completion';

/** The commands that write the registry. */
const CHANGES: readonly CommandName[] = [
  ...(['vm add', 'vm set', 'vm suspend', 'vm resume', 'vm remove'] as const),
  'pool set',
];

/**
 * Why `vgpu-mediator` ends with which status: the help of each command and the documentation come
 * from it.
 */
export const EXIT_STATUSES: readonly ExitStatus<CommandName>[] = [
  { status: ExitCode.OK, meaning: 'success' },
  {
    status: ExitCode.FINDINGS,
    meaning: 'at least one check has found a problem',
    commands: ['doctor'],
  },
  { status: ExitCode.USAGE, meaning: 'the command line is invalid' },
  { status: ExitCode.REJECTED, meaning: 'the VM is already registered', commands: ['vm add'] },
  {
    status: ExitCode.REJECTED,
    meaning: 'the VM is not registered',
    commands: ['vm set', 'vm show', 'vm suspend', 'vm resume', 'vm remove'],
  },
  { status: ExitCode.UNAVAILABLE, meaning: 'Node.js is too old, or the current directory is gone' },
  {
    status: ExitCode.UNAVAILABLE,
    meaning:
      'no device can be used, another mediator uses the state directory, or `--http` cannot listen',
    commands: ['serve'],
  },
  {
    status: ExitCode.UNAVAILABLE,
    meaning: 'no mediator is running',
    commands: ['status', 'drain'],
  },
  {
    status: ExitCode.UNAVAILABLE,
    meaning: 'systemd is not available or rejected the command',
    commands: ['service install', 'service uninstall'],
  },
  { status: ExitCode.INTERNAL, meaning: 'an internal error: please report it' },
  {
    status: ExitCode.CANT_CREATE,
    meaning: 'the output, or a file or directory, cannot be written or used',
  },
  {
    status: ExitCode.TRY_AGAIN,
    meaning: 'saved, but the running mediator did not confirm the change',
    commands: CHANGES,
  },
  {
    status: ExitCode.TRY_AGAIN,
    meaning: 'the running mediator did not respond',
    commands: ['status', 'drain'],
  },
  {
    status: ExitCode.TRY_AGAIN,
    meaning: 'it was stopped before all requests were finished: the rest stays on disk',
    commands: ['drain'],
  },
  { status: ExitCode.NO_PERMISSION, meaning: 'permission denied' },
  {
    status: ExitCode.CONFIG,
    meaning: 'the environment, the config file or the registry is invalid',
  },
  {
    status: '130, 143',
    meaning: 'ended by a second SIGINT or SIGTERM; the first one stops `serve` with 0',
    commands: ['serve'],
  },
  { status: 141, meaning: 'the reader of the output has closed it, as `head` does' },
];
