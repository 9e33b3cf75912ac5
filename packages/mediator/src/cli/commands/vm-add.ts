import { ExitCode, priorityName } from '@vgpu/protocol';
import { addVm, type AddedVm } from '../../provisioning/add-vm.js';
import { exportsLine } from '../../provisioning/exports-line.js';
import { groupOfVm } from '../../provisioning/vm-directories.js';
import { type Command, type Flags, toggle, value } from './command.js';
import { locationOf } from './location.js';
import { applyToRunning, noteApplied } from './apply-to-running.js';
import { commandLineOf, shellWords } from './shell.js';
import { poolOf, priorityOf, requireOptions, userNumberOf, vmOf } from './vm-arguments.js';
import { CHANGE_OPTIONS, vmObject } from './vm-text.js';

/** `vm add`: registers a VM and creates its directory and its register block. */
export const vmAdd: Command = {
  usage: 'add <id>',
  summary: 'register a VM; create its directory and its register block',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        pool: value('A or B [required]'),
        priority: value('high, medium, low, or 2, 1, 0 [required]'),
        gid: value("numeric group of the VM's directory: anongid of its export"),
        'qemu-uid': value(
          'numeric user of QEMU, if not root: becomes the owner of the register block',
        ),
        replace: toggle('re-register an existing VM with the new pool and priority'),
        verbose: toggle('print the next steps, as on a terminal'),
        ...CHANGE_OPTIONS,
      })
      .example('$0 vm add 7 --pool B --priority low --gid 60007', 'on a host with NFS exports')
      .example('$0 vm add 1 --pool A --priority high --root ./vgpu', 'to try it'),
  run: async (flags, context) => {
    const { isTerminal, print } = context;
    const vm = vmOf(flags);
    requireOptions(flags, 'pool', 'priority');
    const identity = { vm, pool: poolOf(flags), priority: priorityOf(flags) };
    const gid = userNumberOf(flags, 'gid');
    const qemuUid = userNumberOf(flags, 'qemu-uid');
    const { root, stateDir } = locationOf(flags, context);
    const replace = flags['replace'] === true;
    const added = addVm(identity, { root, stateDir, gid, qemuUid, replace });
    const mediator = await applyToRunning(stateDir);
    if (flags['json'] === true) {
      print(
        JSON.stringify(
          { ...vmObject(identity.vm, added.registration), ...pathsOf(added), mediator },
          null,
          2,
        ),
      );
      return ExitCode.OK;
    }
    print(
      [
        `VM ${identity.vm} is registered: pool ${identity.pool}, priority ${priorityName(identity.priority)}`,
        `directory: ${added.directory} (${added.isNewDirectory ? 'created' : 'exists'})`,
        `register block: ${added.deviceFile}`,
      ].join('\n'),
    );
    if (isTerminal || flags['verbose'] === true) {
      const line = exportsLine(root, identity.vm, { gid: groupOfVm(root, identity.vm) });
      print(nextSteps(identity.vm, added, line, stateDir, flags));
    }
    noteApplied(mediator, context);
    return ExitCode.OK;
  },
};

function pathsOf({ directory, deviceFile }: AddedVm) {
  return { directory, deviceFile };
}

function nextSteps(
  vm: number,
  { directory, deviceFile }: AddedVm,
  line: string,
  stateDir: string,
  flags: Flags,
): string {
  const qemuUid = userNumberOf(flags, 'qemu-uid');
  const mayOpen =
    qemuUid === undefined
      ? `QEMU must be able to write to ${deviceFile}: if it runs as another user than its owner, use ` +
        'vm add --qemu-uid'
      : `Let QEMU's user reach it: ${shellWords(['setfacl', '-m', `u:${qemuUid}:x`, stateDir])}`;
  return `
Next:
1. Share ${directory} with this VM only: in /etc/exports, followed by exportfs -ra
   ${line}
2. Give the VM its device: ${commandLineOf(['vm', 'show', String(vm)], flags)}
   ${mayOpen}
3. In the VM, once ${directory} is mounted at /mnt/vgpu/vm${vm}: vgpu-vm-client 100 200`;
}
