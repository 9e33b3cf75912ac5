import { ExitCode } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { removeVmDirectory } from '../../provisioning/remove-vm-directory.js';
import { removeVm } from '../../provisioning/remove-vm.js';
import { vmDirectoryOf } from '../../provisioning/vm-directories.js';
import { type Command, toggle } from './command.js';
import { locationOf } from './location.js';
import { noteObedience, obedience } from './obedience.js';
import { vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS } from './vm-text.js';

/** `vm remove`: takes a VM out of the registry. */
export const vmRemove: Command = {
  usage: 'remove <id>',
  summary: 'take a VM out of the registry; its directory stays unless told otherwise',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        'delete-files': toggle("remove the VM's directory, too, with all that is in it"),
        ...CHANGE_OPTIONS,
      })
      .example('$0 vm remove 7', 'its directory stays')
      .example('$0 vm remove 7 --delete-files', 'nothing of it stays')
      .epilog(
        'The registration and the register block go. The directory stays, with the requests and ' +
          'answers in it, and while it is there a mediator without --require-registration serves the ' +
          'VM by what it claims. Take its line out of /etc/exports first: exportfs -ra.\n\n' +
          'Exit status: 0 done; 64 wrong use; 65 the VM is not registered; 73 a file could not be ' +
          'written or removed; 75 removed, but the mediator that is running does not obey yet; 77 no ' +
          'permission; 78 the configuration or the registry is invalid.',
      ),
  run: async (flags, surroundings) => {
    const vm = vmOf(flags);
    const { root, stateDir } = locationOf(flags, surroundings);
    const isToDelete = flags['delete-files'] === true;
    const unregistered = tryToRemove(vm, stateDir);
    // With its directory a VM may be removed that is not registered, or not any more.
    if (unregistered !== undefined && !isToDelete) throw unregistered;
    const mediator = await obedience(stateDir);
    const isDeleted = isToDelete && removeVmDirectory(root, vm);
    if (unregistered !== undefined && !isDeleted) throw unregistered;
    const directory = vmDirectoryOf(root, vm);
    if (flags['json'] === true) {
      const result = { vm, directory, deleted: isDeleted, mediator };
      surroundings.print(JSON.stringify(result, null, 2));
      return ExitCode.OK;
    }
    surroundings.print(
      `VM ${vm} is not registered any more\ndirectory: ${directory} (${isDeleted ? 'removed' : 'left as it is'})`,
    );
    noteObedience(mediator, surroundings);
    return ExitCode.OK;
  },
};

/** The reason if there is nothing to remove. */
function tryToRemove(vm: number, stateDir: string): MediatorError | undefined {
  try {
    removeVm(vm, stateDir);
    return undefined;
  } catch (error) {
    if (error instanceof MediatorError && error.code === 'NOT_REGISTERED') return error;
    throw error;
  }
}
