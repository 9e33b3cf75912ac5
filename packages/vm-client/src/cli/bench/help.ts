import { help as helpOf } from '../help.js';
import { BENCH_SETTINGS } from './settings.js';

const USAGE = `Sends requests as one VM or many would, checks every answer, and shows how long they took.

With --vms it plays several VMs and needs write access to the directories of all of them, so it
runs on the host. A pool and a priority are what the VMs claim: those that are registered have what
the registry says. Directories of VMs that are in use may be used: no request or answer of others
is touched, but the load is a load.

With --rate a request is sent when it is due, however many are still under way, and its wait counts
from when it was due (but for 1 ms, which is what a timer may be late): an overloaded host shows as
long waits. With --in-flight each answer brings the next request: that shows how much a host can do,
and its waits are those of that much load. Each VM asks once before that, which is not counted.

The figures go to standard output, progress to standard error. A request without an answer within
--timeout is an error. Interrupted (Ctrl-C), it takes back what is under way and shows the figures
so far; a second time, it ends at once. "Sent late" is how far this program itself was behind: where
that is more than a few milliseconds, it needs more of the machine, or a lower rate.`;

const EXAMPLES: [string, string][] = [
  ['$0 bench --rate 20', 'this VM, 20 requests a second for 10 s'],
  ['$0 bench --in-flight 64 --size 1000', 'this VM, as much as it gets, vectors of 1000'],
  [
    '$0 bench --vms 30 --priority high=10,medium=10,low=10 --rate 5 --duration 1m',
    'on the host: 30 VMs, 150 requests a second in all',
  ],
  ['$0 bench --root ./vgpu --vms 4 --create --json', 'a root to try things in; for programs'],
];

const EPILOGUE = `Every option can be set by the variable beside it; the option counts first.

Exit status: 0 every request was answered, and rightly; 70 an answer was wrong; else the status of
the error that came most often, or that ended it: 64 wrong use; 65 rejected by the mediator; 69 no
share, no device, or the device failed; 73 requests could not be created; 75 no answer in time, or
rate limited; 77 no permission; 78 invalid environment or registers; 130 or 143 interrupted.`;

/** The text of the help of `vgpu-vm-client bench`. */
export const help = () =>
  helpOf(BENCH_SETTINGS, { usage: USAGE, examples: EXAMPLES, epilogue: EPILOGUE });
