import { ExitCode, type Identity, priorityName } from '@vgpu/protocol';
import { Registry } from '../../state/registry.js';
import { deviceFileOf, problemOfDeviceFile } from '../../provisioning/device-file.js';
import { exportsLine } from '../../provisioning/exports-line.js';
import { describeLibvirt, describeQemu, describeStub } from '../../provisioning/hypervisors.js';
import { registered } from '../../provisioning/set-vm.js';
import { groupOfVm, vmDirectoryOf } from '../../provisioning/vm-directories.js';
import { type Command, type Flags, LOCATION, type CliContext, toggle, value } from './command.js';
import { locationOf } from './location.js';
import { commandLineOf, shellWords } from './shell.js';
import { vmOf } from './vm-arguments.js';

/** The parts that can be printed on their own, in order, with their headings. */
const PARTS = {
  qemu: 'QEMU, as arguments',
  libvirt: 'libvirt, by virsh edit; AppArmor must allow QEMU to open the register block',
  stub: 'instead, for a QEMU with the original device',
  exports: '/etc/exports',
} as const;
type Part = keyof typeof PARTS;
const PART_NAMES = Object.keys(PARTS) as Part[];

/** `vm show`: the configuration of the hypervisor and the file server for a VM. */
export const vmShow: Command = {
  usage: 'show <id>',
  summary: 'print the settings of the hypervisor and the file server for a VM',
  build: (parser) =>
    parser
      .positional('id', { type: 'string', describe: 'number of the VM, 1 to 4294967295' })
      .options({
        qemu: toggle('arguments for QEMU'),
        libvirt: toggle("for libvirt: lines for the domain's XML"),
        stub: toggle('arguments for a QEMU with the original device, vgpu-stub'),
        exports: toggle('the line for /etc/exports'),
        address: value("the VM's address, for that line, such as 10.0.0.7"),
        json: toggle('all parts and the registration as one JSON object'),
        ...LOCATION,
      })
      .conflicts('json', PART_NAMES)
      .example('$0 vm show 7', 'all parts')
      .example('$0 vm show 7 --exports --address 10.0.0.7', 'one line')
      .example('qemu-system-x86_64 $($0 vm show 7 --qemu) ...', 'a VM with its device'),
  run: (flags, { environment, print, note }) => {
    const vm = readVm(flags, environment);
    const wanted = PART_NAMES.filter((part) => flags[part] === true);
    print(flags['json'] === true ? jsonOf(vm) : textOf(vm, wanted));
    warningsAbout(vm, wanted, flags).forEach(note);
    return Promise.resolve(ExitCode.OK);
  },
};

/** Everything that is printed about a VM. */
interface ShownVm {
  readonly identity: Identity;
  readonly suspended: boolean;
  readonly directory: string;
  /** The group of its export (anongid); undefined if the directory has no group of its own. */
  readonly gid: number | undefined;
  readonly address: string | undefined;
  readonly deviceFile: string;
  /** What is wrong with that file, if anything. */
  readonly problem: string | undefined;
  readonly qemu: readonly string[];
  readonly libvirt: string;
  readonly stub: readonly string[];
  readonly exports: string;
}

function readVm(flags: Flags, environment: CliContext['environment']): ShownVm {
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

/** The keys are a contract: see the README. Placeholders are for people only. */
function jsonOf({ identity, gid, address, ...rest }: ShownVm): string {
  const { suspended, directory, deviceFile, qemu, libvirt, stub } = rest;
  const exports = address !== undefined && gid !== undefined ? rest.exports : null;
  const shown = { ...identity, suspended, directory, deviceFile, qemu, libvirt, stub, exports };
  return JSON.stringify(shown, null, 2);
}

/** One part alone, or several with headings; without a choice all. */
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

function warningsAbout(vm: ShownVm, wanted: readonly Part[], flags: Flags): string[] {
  const isAbout = (part: Part) => wanted.length === 0 || wanted.includes(part);
  const { vm: id, pool, priority } = vm.identity;
  const change =
    commandLineOf(['vm', 'add', String(id)], flags) +
    ` --pool ${pool} --priority ${priorityName(priority)} --replace`;
  const notes: string[] = [];
  if (vm.problem !== undefined && (isAbout('qemu') || isAbout('libvirt'))) {
    notes.push(`${vm.problem}; rewrite it with ${change}`);
  }
  if (vm.gid === undefined && isAbout('exports')) {
    notes.push(
      `${vm.directory} has no group of its own; choose a number that no other user or group has, and run ` +
        `${change} --gid <number>`,
    );
  }
  return notes;
}
