import { ExitCode } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { Registry } from '../../state/registry.js';
import { registered } from '../../provisioning/registered.js';
import { setVm, type VmChanges } from '../../provisioning/set-vm.js';
import { type Command, type Flags, value } from './command.js';
import { locationOf } from './location.js';
import { maxQueuedOf, newPoolOf, newPriorityOf, rateLimitOf, vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS, printChanged } from './vm-text.js';

const SETTINGS = {
  pool: value('A or B; default: A'),
  priority: value('high, medium, low, or 2, 1, 0; default: medium'),
  'rate-limit': value("requests per second that are taken up; default: the mediator's"),
  'rate-burst': value('requests at once within that limit; default: those of one second'),
  'max-queued': value("requests in the queue at once; default: the mediator's"),
};

/** `vm set`: changes what is registered of a VM. */
export const vmSet: Command = {
  usage: 'set <id>',
  summary: 'change pool, priority or limits of a VM that is registered',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({ ...SETTINGS, ...CHANGE_OPTIONS })
      .example('$0 vm set 7 --priority high', 'serve it before those of medium and low priority')
      .example('$0 vm set 7 --rate-limit 50 --rate-burst 100', 'answer RATE_LIMITED beyond that')
      .example(
        '$0 vm set 7 --rate-limit default --max-queued default',
        "the mediator's limits again",
      )
      .epilog(
        'What is not given stays as it is; the word default puts an option back. Requests that are ' +
          'queued keep their place; what is taken up from now on has the new pool and priority, ' +
          'whatever it claims. The register block of the VM, from which its client learns who it is, ' +
          'is written anew with pool or priority: the VM has it once it is started anew.\n\n' +
          'Exit status: 0 done; 64 wrong use; 65 the VM is not registered; 73 a file could not be ' +
          'written; 75 changed, but the mediator that is running does not obey yet; 77 no permission; ' +
          '78 the configuration or the registry is invalid.',
      ),
  run: async (flags, surroundings) => {
    const vm = vmOf(flags);
    const { stateDir } = locationOf(flags, surroundings);
    const changes = changesOf(flags, vm, stateDir);
    await printChanged(vm, setVm(vm, changes, stateDir), stateDir, flags, surroundings);
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
