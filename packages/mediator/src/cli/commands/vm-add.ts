import { priorityName } from '@vgpu/protocol';
import { addVm, type AddedVm } from '../../vms/add-vm.js';
import { exportsLine } from '../../vms/exports-line.js';
import { groupOfVm } from '../../vms/vm-directories.js';
import { resolveOptions, stateDirOf } from '../config.js';
import { type Command, type Flags, LOCATION, toggle, value } from './command.js';
import { commandLineOf, shellWords } from './shell.js';
import { poolOf, priorityOf, userNumberOf, vmOf } from './vm-arguments.js';

/** `vm add`: registers a VM, with its directory and its register block. */
export const vmAdd: Command = {
  usage: 'add <id>',
  summary: 'register a VM; make its directory and its register block',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        pool: { ...value('A or B'), demandOption: true },
        priority: { ...value('high, medium, low, or 2, 1, 0'), demandOption: true },
        gid: value("group for the VM's directory, by number: anongid of its export"),
        'qemu-uid': value(
          'user as whom QEMU runs, by number, if not root: gets the register block',
        ),
        replace: toggle('change the pool and priority of a VM that is registered'),
        verbose: toggle('print the next steps, as on a terminal'),
        ...LOCATION,
      })
      .example('$0 vm add 7 --pool B --priority low --gid 60007', 'on a host with NFS exports')
      .example('$0 vm add 1 --pool A --priority high --root ./vgpu', 'to try it')
      .epilog(
        'Exit status: 0 done; 64 wrong use; 65 the VM is registered already; 73 a file or directory ' +
          'could not be made; 77 no permission; 78 the configuration or the registry is invalid.',
      ),
  run: (flags, { environment, isTerminal, print, note }) => {
    const identity = { vm: vmOf(flags), pool: poolOf(flags), priority: priorityOf(flags) };
    const gid = userNumberOf(flags, 'gid');
    const qemuUid = userNumberOf(flags, 'qemu-uid');
    const options = resolveOptions({ flags, environment });
    const { root } = options;
    const replace = flags['replace'] === true;
    const stateDir = stateDirOf(options);
    const added = addVm(identity, { root, stateDir, gid, qemuUid, replace });
    print(
      [
        `VM ${identity.vm} is registered: pool ${identity.pool}, priority ${priorityName(identity.priority)}`,
        `directory: ${added.directory} (${added.isNewDirectory ? 'new' : 'was there'})`,
        `register block: ${added.deviceFile}`,
      ].join('\n'),
    );
    if (isTerminal || flags['verbose'] === true) {
      const line = exportsLine(root, identity.vm, { gid: groupOfVm(root, identity.vm) });
      print(nextSteps(identity.vm, added, line, stateDir, flags));
    }
    note('a mediator that is running obeys once it gets SIGHUP');
  },
};

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
      ? `QEMU must be able to write to ${deviceFile}: as another user than its owner it needs ` +
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
