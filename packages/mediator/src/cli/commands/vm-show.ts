import { ExitCode, type Identity, priorityName } from '@vgpu/protocol';
import { Registry } from '../../state/registry.js';
import { deviceFileOf, problemOfDeviceFile } from '../../provisioning/device-file.js';
import { exportsLine } from '../../provisioning/exports-line.js';
import { describeLibvirt, describeQemu, describeStub } from '../../provisioning/hypervisors.js';
import { registered } from '../../provisioning/registered.js';
import { groupOfVm, vmDirectoryOf } from '../../provisioning/vm-directories.js';
import { type Command, type Flags, LOCATION, type Surroundings, toggle, value } from './command.js';
import { locationOf } from './location.js';
import { commandLineOf, shellWords } from './shell.js';
import { vmOf } from './vm-arguments.js';

/** The parts that can be asked for one by one, in their order, with their headings. */
const PARTS = {
  qemu: 'QEMU, as arguments',
  libvirt: 'libvirt, by virsh edit; AppArmor has to let QEMU open the register block',
  stub: 'a QEMU with the original device instead',
  exports: '/etc/exports',
} as const;
type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

/** `vm show`: what the hypervisor and the file server of a VM have to be told. */
export const vmShow: Command = {
  usage: 'show <id>',
  summary: 'print what to give the hypervisor and the file server of a VM',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        qemu: toggle('arguments for QEMU'),
        libvirt: toggle("for libvirt: what goes into the domain's XML"),
        stub: toggle('arguments for a QEMU with the original device, vgpu-stub'),
        exports: toggle('the line for /etc/exports'),
        address: value("the VM's address, for that line, such as 10.0.0.7"),
        json: toggle('all of it, and the registration, as one JSON object'),
        ...LOCATION,
      })
      .conflicts('json', PART_NAMES)
      .example('$0 vm show 7', 'all there is')
      .example('$0 vm show 7 --exports --address 10.0.0.7', 'one line')
      .example('qemu-system-x86_64 $($0 vm show 7 --qemu) ...', 'a VM with its device')
      .epilog(
        'Exit status: 0 printed; 64 wrong use; 65 the VM is not registered; 77 no permission; ' +
          '78 the configuration or the registry is invalid.',
      ),
  run: (flags, { environment, print, note }) => {
    const vm = readVm(flags, environment);
    const wanted = PART_NAMES.filter((part) => flags[part] === true);
    print(flags['json'] === true ? jsonOf(vm) : textOf(vm, wanted));
    notesOn(vm, wanted, flags).forEach(note);
    return Promise.resolve(ExitCode.OK);
  },
};

/** What there is to say about a VM. */
interface ShownVm {
  readonly identity: Identity;
  readonly suspended: boolean;
  readonly directory: string;
  /** The group as which its export acts; undefined if there is none for that. */
  readonly gid: number | undefined;
  readonly address: string | undefined;
  readonly deviceFile: string;
  /** What is wrong with that file. */
  readonly problem: string | undefined;
  readonly qemu: readonly string[];
  readonly libvirt: string;
  readonly stub: readonly string[];
  readonly exports: string;
}

function readVm(flags: Flags, environment: Surroundings['environment']): ShownVm {
  const vm = vmOf(flags);
  const { root, stateDir } = locationOf(flags, { environment });
  const { pool, priority, suspended } = registered(new Registry(stateDir), vm);
  const identity = { vm, pool, priority };
  const address = flags['address'] as string | undefined;
  const gid = groupOfVm(root, vm);
  const deviceFile = deviceFileOf(stateDir, vm);
  return {
    identity,
    suspended,
    directory: vmDirectoryOf(root, vm),
    gid,
    address,
    deviceFile,
    problem: problemOfDeviceFile(stateDir, identity),
    qemu: describeQemu(deviceFile),
    libvirt: describeLibvirt(deviceFile),
    stub: describeStub(identity),
    exports: exportsLine(root, vm, { address, gid }),
  };
}

/** The keys are a contract: see the README. No program is to take a placeholder for a value. */
function jsonOf({ identity, gid, address, ...rest }: ShownVm): string {
  const { suspended, directory, deviceFile, qemu, libvirt, stub } = rest;
  const exports = address !== undefined && gid !== undefined ? rest.exports : null;
  const shown = { ...identity, suspended, directory, deviceFile, qemu, libvirt, stub, exports };
  return JSON.stringify(shown, null, 2);
}

/** One part as it is, or some with headings; none stands for all. */
function textOf(vm: ShownVm, wanted: readonly Part[]): string {
  const { qemu, libvirt, stub, exports } = vm;
  const texts = { qemu: shellWords(qemu), libvirt, stub: shellWords(stub), exports };
  const [only, ...more] = wanted;
  if (only !== undefined && more.length === 0) return texts[only];
  const { vm: id, pool, priority } = vm.identity;
  const suspended = vm.suspended ? ', suspended' : '';
  const summary = `VM ${id}: pool ${pool}, priority ${priorityName(priority)}${suspended}`;
  const shown = only === undefined ? PART_NAMES : wanted;
  const sections = shown.map((part) => `# ${PARTS[part]}\n${texts[part]}`);
  return [...(only === undefined ? [summary] : []), ...sections].join('\n\n');
}

function notesOn(vm: ShownVm, wanted: readonly Part[], flags: Flags): string[] {
  const isAbout = (part: Part) => wanted.length === 0 || wanted.includes(part);
  const { vm: id, pool, priority } = vm.identity;
  const change =
    commandLineOf(['vm', 'add', String(id)], flags) +
    ` --pool ${pool} --priority ${priorityName(priority)} --replace`;
  const notes: string[] = [];
  if (vm.problem !== undefined && (isAbout('qemu') || isAbout('libvirt'))) {
    notes.push(`${vm.problem}; write it anew with ${change}`);
  }
  if (vm.gid === undefined && isAbout('exports')) {
    notes.push(
      `${vm.directory} has no group of this VM's own; give it one, with a number that no other user ` +
        `or group has, with ${change} --gid <number>`,
    );
  }
  return notes;
}
