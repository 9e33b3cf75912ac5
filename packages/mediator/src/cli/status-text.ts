import { priorityName } from '@vgpu/protocol';
import type { StatusResult } from '../control/status-result.js';
import { waitingPools } from '../devices/waiting-pools.js';
import type { Surroundings } from './commands/command.js';
import { durationText } from './duration-text.js';
import { styleFor } from './style.js';
import { type Column, table } from './table.js';

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

type Look = Pick<Surroundings, 'isTerminal' | 'environment'>;

/**
 * A mediator's status for people: a summary, its devices, its VMs; with tabs between the cells for
 * programs.
 *
 * @param before An earlier status of the same process: rates and use are those since then, else those
 *   since the start.
 */
export function statusText(status: StatusResult, look: Look, before?: StatusResult): string {
  const since = before?.pid === status.pid ? before : undefined;
  return [
    summary(status, look, since),
    table(DEVICE_COLUMNS, deviceRows(status, look, since), look),
    table(VM_COLUMNS, vmRows(status, look), look),
  ].join('\n\n');
}

function summary(status: StatusResult, look: Look, since: StatusResult | undefined): string {
  const style = styleFor(look);
  const { queue, phase, uptimeMs } = status;
  const levels = queue.oldest.map(({ priority, ageMs }) => {
    const queued = queue.depths
      .filter((depth) => depth.priority === priority)
      .reduce((sum, depth) => sum + depth.queued, 0);
    const age = ageMs === null ? '' : ` (oldest ${durationText(ageMs)})`;
    return `${priorityName(priority)} ${queued}${age}`;
  });
  const rate =
    (status.totals.requests - (since?.totals.requests ?? 0)) / secondsSince(status, since);
  const lines = [
    `vgpu-mediator ${status.version}, pid ${status.pid}, ${style(phase === 'serving' ? 'green' : 'yellow', phase)} for ${durationText(uptimeMs)}, root ${status.root}`,
    `queued: ${queue.queued}: ${levels.join(', ')}; ${Number(rate.toPrecision(3))} requests/s`,
  ];
  for (const problem of waitingPools(status.pools)) lines.push(style('red', problem));
  if (!status.isRootReadable) lines.push(style('red', `the root ${status.root} cannot be read`));
  return lines.join('\n');
}

function deviceRows(status: StatusResult, look: Look, since: StatusResult | undefined) {
  const style = styleFor(look);
  return status.devices.map(({ executor, device, name, backend, state, busyMs, jobs, faults }) => {
    const earlierMs = since?.devices[executor]?.busyMs ?? 0;
    const busy = Math.min(1, (busyMs - earlierMs) / 1000 / secondsSince(status, since));
    const isBad = state === 'out of service' || state === 'closed';
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

function vmRows({ vms }: StatusResult, look: Look): string[][] {
  const style = styleFor(look);
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
    each.recentWaitMs ? durationText(each.recentWaitMs.p50) : '-',
    each.recentWaitMs ? durationText(each.recentWaitMs.p99) : '-',
    durationText(each.deviceMs),
  ]);
}

function secondsSince({ uptimeMs }: StatusResult, since: StatusResult | undefined): number {
  return Math.max(1, uptimeMs - (since?.uptimeMs ?? 0)) / 1000;
}
