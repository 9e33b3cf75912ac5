import { help as helpOf, VARIABLES } from '../help.js';
import { BENCH_SETTINGS } from './settings.js';

const USAGE = `Sends requests as one VM or many would, checks every response, and prints how long they took.

With --vms it plays several VMs and needs write access to all their directories, so it runs on the
host. Pool and priority are the claims of the VMs; registered VMs have those of the registry. It may
use directories that are in use: it touches no request or response of others, but it loads the host.

With --rate it sends a request when it is due, however many are in flight, and the wait counts from
the due time (except for 1 ms, by which a timer may be late): an overloaded host shows as long waits.
With --in-flight each response brings the next request: that shows the throughput of a host, and the
waits are those of that load. Each VM first sends one request that is not counted.

The figures go to standard output, progress to standard error. A request without a response within
--timeout is an error. When interrupted (Ctrl-C), it withdraws the requests in flight and prints the
figures so far; a second time, it ends at once. "Sent late" is how far this program itself was behind:
if that is more than a few milliseconds, it needs more CPU time, or a lower rate.`;

const EXAMPLES: [string, string][] = [
  ['$0 bench --rate 20', 'this VM, 20 requests a second for 10 s'],
  ['$0 bench --in-flight 64 --size 1000', 'this VM, at its maximum throughput, vectors of 1000'],
  [
    '$0 bench --vms 30 --priority high=10,medium=10,low=10 --rate 5 --duration 1m',
    'on the host: 30 VMs, 150 requests a second in all',
  ],
  ['$0 bench --root ./vgpu --vms 4 --create --json', 'a root for experiments; output for programs'],
];

const EPILOGUE = `${VARIABLES}

The exit status is 0 if every request got the right response, 70 if a response was wrong, else that of
the most frequent error, or of the error that ended the program.`;

/** The text of the help of `vgpu-vm-client bench`. */
export const help = () =>
  helpOf(BENCH_SETTINGS, {
    command: 'bench',
    usage: USAGE,
    examples: EXAMPLES,
    epilogue: EPILOGUE,
  });
