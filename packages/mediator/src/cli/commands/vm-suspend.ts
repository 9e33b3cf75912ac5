import { ExitCode } from '@vgpu/protocol';
import { setVm } from '../../provisioning/set-vm.js';
import type { Command } from './command.js';
import { locationOf } from './location.js';
import { vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS, printChanged } from './vm-text.js';

/** `vm suspend`: has the requests of a VM answered `SUSPENDED`. */
export const vmSuspend: Command = {
  usage: 'suspend <id>',
  summary: 'answer the requests of a VM with SUSPENDED',
  ...suspending(
    true,
    'The requests of the VM are answered ERROR:SUSPENDED instead of being computed, those that are ' +
      'queued already, too; what is on a device is finished. It stays so over restarts, until vm resume.',
  ),
};

/** `vm resume`: has the requests of a VM served again. */
export const vmResume: Command = {
  usage: 'resume <id>',
  summary: 'serve the requests of a VM again that is suspended',
  ...suspending(
    false,
    'Requests that were answered ERROR:SUSPENDED are not served later: their clients ask again.',
  ),
};

function suspending(suspended: boolean, explanation: string): Pick<Command, 'build' | 'run'> {
  const name = suspended ? 'suspend' : 'resume';
  return {
    build: (parser) =>
      parser
        .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
        .options(CHANGE_OPTIONS)
        .example(`$0 vm ${name} 7`, 'at once, if a mediator is running')
        .epilog(
          `${explanation}\n\n` +
            'Exit status: 0 done, also if it was so before; 64 wrong use; 65 the VM is not registered; ' +
            '73 a file could not be written; 75 changed, but the mediator that is running does not obey ' +
            'yet; 77 no permission; 78 the configuration or the registry is invalid.',
        ),
    run: async (flags, surroundings) => {
      const vm = vmOf(flags);
      const { stateDir } = locationOf(flags, surroundings);
      await printChanged(vm, setVm(vm, { suspended }, stateDir), stateDir, flags, surroundings);
      return ExitCode.OK;
    },
  };
}
