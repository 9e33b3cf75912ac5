import { ExitCode } from '@vgpu/protocol';
import { MediatorError } from '../../mediator-error.js';
import { removeVmDirectory } from '../../provisioning/remove-vm-directory.js';
import { removeVm } from '../../provisioning/remove-vm.js';
import { vmDirectoryOf } from '../../provisioning/vm-directories.js';
import { type Command, toggle } from './command.js';
import { locationOf } from './location.js';
import { applyToRunning, noteApplied } from './apply-to-running.js';
import { vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS } from './vm-text.js';

/** `vm remove`: removes a VM from the registry. */
export const vmRemove: Command = {
  usage: 'remove <id>',
  summary: 'remove a VM from the registry, and with --delete-files its directory',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        'delete-files': toggle("also remove the VM's directory with its contents"),
        ...CHANGE_OPTIONS,
      })
      .example('$0 vm remove 7', 'its directory stays')
      .example('$0 vm remove 7 --delete-files', 'with all its files')
      .epilog(
        'Removes the registration and the register block. The directory stays, with its requests and ' +
          'responses; while it exists, a mediator without --require-registration serves the VM by its ' +
          'claims. Remove its line from /etc/exports first, then run exportfs -ra.\n',
      ),
  run: async (flags, context) => {
    const vm = vmOf(flags);
    const { root, stateDir } = locationOf(flags, context);
    const isToDelete = flags['delete-files'] === true;
    const unregistered = tryToRemove(vm, stateDir);
    // --delete-files also removes the directory of a VM that is not registered, or no longer.
    if (unregistered !== undefined && !isToDelete) throw unregistered;
    const mediator = await applyToRunning(stateDir);
    const isDeleted = isToDelete && removeVmDirectory(root, vm);
    if (unregistered !== undefined && !isDeleted) throw unregistered;
    const directory = vmDirectoryOf(root, vm);
    if (flags['json'] === true) {
      const result = { vm, directory, deleted: isDeleted, mediator };
      context.print(JSON.stringify(result, null, 2));
      return ExitCode.OK;
    }
    context.print(
      `VM ${vm} is removed from the registry\ndirectory: ${directory} (${isDeleted ? 'removed' : 'kept'})`,
    );
    noteApplied(mediator, context);
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
