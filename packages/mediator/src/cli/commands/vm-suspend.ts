import { ExitCode } from '@vgpu/protocol';
import { setVm } from '../../provisioning/set-vm.js';
import type { Command } from './command.js';
import { locationOf } from './location.js';
import { vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS, printChanged } from './vm-text.js';

/** `vm suspend`: rejects the requests of a VM with `SUSPENDED`. */
export const vmSuspend: Command = {
  usage: 'suspend <id>',
  summary: 'reject the requests of a VM with SUSPENDED',
  ...suspending(
    true,
    'All requests of the VM get ERROR:SUSPENDED as their response, also those that are queued already; ' +
      'operations on a device are finished. The VM stays suspended across restarts, until vm resume.',
  ),
};

/** `vm resume`: serves the requests of a VM again. */
export const vmResume: Command = {
  usage: 'resume <id>',
  summary: 'resume serving a suspended VM',
  ...suspending(
    false,
    'Requests that were rejected with ERROR:SUSPENDED are not served later: their clients send them again.',
  ),
};

function suspending(suspended: boolean, explanation: string): Pick<Command, 'build' | 'run'> {
  const name = suspended ? 'suspend' : 'resume';
  return {
    build: (parser) =>
      parser
        .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
        .options(CHANGE_OPTIONS)
        .example(`$0 vm ${name} 7`, 'immediately, if a mediator is running')
        .epilog(`${explanation}\n`),
    run: async (flags, context) => {
      const vm = vmOf(flags);
      const { stateDir } = locationOf(flags, context);
      await printChanged(vm, setVm(vm, { suspended }, stateDir), stateDir, flags, context);
      return ExitCode.OK;
    },
  };
}
