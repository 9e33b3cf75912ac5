import { priorityName } from '@vgpu/protocol';
import type { Column } from '@vgpu/protocol/cli';
import type { StatusResult } from '../control/status-result.js';
import { waitingPools } from '../devices/waiting-pools.js';
import type { CliContext } from './commands/command.js';
import { styleFor, table } from './terminal-text.js';

const DEVICE_COLUMNS: readonly Column[] = [
  ['DEVICE', 'right'],
  ['NAME'],
  ['STATE'],
  ['BUSY', 'right'],
  ['REQUESTS', 'right'],
  ['FAULTS', 'right'],
];

const VM_COLUMNS: readonly Column[] = [
  ['VM', 'right'],
  ['POOL'],
  ['PRIORITY'],
  ['STATE'],
  ['QUEUED', 'right'],
  ['ANSWERED', 'right'],
  ['ERRORS', 'right'],
  ['WAIT P50', 'right'],
  ['WAIT P99', 'right'],
  ['DEVICE TIME', 'right'],
];

type Output = Pick<CliContext, 'isTerminal' | 'environment'>;

/**
 * A mediator's status: a summary and tables of its devices and VMs, for people or (separated by
 * tabs) programs.
 *
 * @param before An earlier status. If it is of the same process, rates and usage are those since
 *   then, else those since the start.
 */
export function statusText(status: StatusResult, output: Output, before?: StatusResult): string {
  const since = before?.pid === status.pid ? before : undefined;
  return [
    summary(status, output, since),
    table(DEVICE_COLUMNS, deviceRows(status, output, since), output),
    table(VM_COLUMNS, vmRows(status, output), output),
  ].join('\n\n');
}

function summary(status: StatusResult, output: Output, since: StatusResult | undefined): string {
  const style = styleFor(output);
  const { queue, phase, uptimeMs } = status;
  const levels = queue.oldest.map(({ priority, ageMs }) => {
    const queued = queue.depths
      .filter((depth) => depth.priority === priority)
      .reduce((sum, depth) => sum + depth.queued, 0);
    const age = ageMs === null ? '' : ` (oldest ${roundedDuration(ageMs)})`;
    return `${priorityName(priority)} ${queued}${age}`;
  });
  const rate =
    (status.totals.requests - (since?.totals.requests ?? 0)) / secondsSince(status, since);
  const lines = [
    `vgpu-mediator ${status.version}, pid ${status.pid}, ${style(phase === 'serving' ? 'green' : 'yellow', phase)} for ${roundedDuration(uptimeMs)}, root ${status.root}`,
    `queued: ${queue.queued}: ${levels.join(', ')}; ${Number(rate.toPrecision(3))} requests/s`,
  ];
  for (const problem of waitingPools(status.pools)) lines.push(style('red', problem));
  if (!status.isRootReadable) lines.push(style('red', `the root ${status.root} cannot be read`));
  return lines.join('\n');
}

function deviceRows(status: StatusResult, output: Output, since: StatusResult | undefined) {
  const style = styleFor(output);
  return status.devices.map(({ executor, device, name, backend, state, busyMs, jobs, faults }) => {
    const earlierMs = since?.devices[executor]?.busyMs ?? 0;
    const busy = Math.min(1, (busyMs - earlierMs) / 1000 / secondsSince(status, since));
    const isBad = state === 'out-of-service' || state === 'closed';
    return [
      String(device ?? '-'),
      name ?? backend ?? '-',
      isBad ? style('red', state) : state,
      `${(busy * 100).toFixed(1)}%`,
      String(jobs),
      faults > 0 ? style('yellow', String(faults)) : '0',
    ];
  });
}

function vmRows({ vms }: StatusResult, output: Output): string[][] {
  const style = styleFor(output);
  return vms.map((each) => [
    String(each.vm),
    each.pool ?? '-',
    each.priority === null ? '-' : priorityName(each.priority),
    each.state === 'active'
      ? each.state
      : style(each.state === 'failing' ? 'red' : 'yellow', each.state),
    String(each.queued),
    String(each.answered),
    String(each.errors),
    each.recentWaitMs ? roundedDuration(each.recentWaitMs.p50) : '-',
    each.recentWaitMs ? roundedDuration(each.recentWaitMs.p99) : '-',
    roundedDuration(each.deviceMs),
  ]);
}

function secondsSince({ uptimeMs }: StatusResult, since: StatusResult | undefined): number {
  return Math.max(1, uptimeMs - (since?.uptimeMs ?? 0)) / 1000;
}

/** A duration for people, of about three digits: `0.35 ms`, `12.3 s`, `4 min 5 s`, `2 d 3 h`. */
export function roundedDuration(ms: number): string {
  if (ms < 999.5) return `${Number(ms.toPrecision(3))} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${Number(seconds.toPrecision(3))} s`;
  const s = Math.round(seconds);
  if (s < 3600) return two(s, 60, 'min', 's');
  const minutes = Math.round(s / 60);
  if (minutes < 1440) return two(minutes, 60, 'h', 'min');
  return two(Math.round(minutes / 60), 24, 'd', 'h');
}

function two(count: number, per: number, large: string, small: string): string {
  return `${Math.floor(count / per)} ${large} ${count % per} ${small}`;
}
