import { ExitCode } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { Registry } from '../../state/registry.js';
import { registered, setVm, type VmChanges } from '../../provisioning/set-vm.js';
import { type Command, type Flags, value } from './command.js';
import { locationOf } from './location.js';
import { maxQueuedOf, newPoolOf, newPriorityOf, rateLimitOf, vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS, printChanged } from './vm-text.js';

const SETTINGS = {
  pool: value('A or B; default: A'),
  priority: value('high, medium, low, or 2, 1, 0; default: medium'),
  'rate-limit': value("requests per second; default: the mediator's limit"),
  'rate-burst': value("requests at once within that limit; default: one second's worth"),
  'max-queued': value("maximum number of queued requests; default: the mediator's limit"),
};

/** `vm set`: changes the registration of a VM. */
export const vmSet: Command = {
  usage: 'set <id>',
  summary: 'change pool, priority or limits of a registered VM',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({ ...SETTINGS, ...CHANGE_OPTIONS })
      .example('$0 vm set 7 --priority high', 'serve it before VMs of medium and low priority')
      .example(
        '$0 vm set 7 --rate-limit 50 --rate-burst 100',
        'reject requests beyond that with RATE_LIMITED',
      )
      .example(
        '$0 vm set 7 --rate-limit default --max-queued default',
        "back to the mediator's limits",
      )
      .epilog(
        'Settings that are not given stay; the word default resets one. Queued requests keep their place; new ' +
          'ones have the new pool and priority, whatever they claim. A new pool or priority is also ' +
          'written to the register block, from which the client in the VM reads its identity; the VM sees it ' +
          'after its next start.\n',
      ),
  run: async (flags, context) => {
    const vm = vmOf(flags);
    const { stateDir } = locationOf(flags, context);
    const changes = changesOf(flags, vm, stateDir);
    await printChanged(vm, setVm(vm, changes, stateDir), stateDir, flags, context);
    return ExitCode.OK;
  },
};

function changesOf(flags: Flags, vm: number, stateDir: string): VmChanges {
  if (!Object.keys(SETTINGS).some((name) => flags[name] !== undefined)) {
    const names = Object.keys(SETTINGS).map((name) => `--${name}`);
    throw new MediatorError('USAGE', `expected at least one of ${names.join(', ')}`);
  }
  return {
    pool: newPoolOf(flags),
    priority: newPriorityOf(flags),
    rateLimit: rateLimitOf(flags, () => registered(new Registry(stateDir), vm).rateLimit),
    maxQueued: maxQueuedOf(flags),
  };
}
