import type { Now } from '../../src/http/page-events.js';
import { Connection, type ConnectionState } from './connection.js';
import { DeviceList } from './device-list.js';
import { byId, setText } from './dom.js';
import { count, duration, time } from './format.js';
import { LatestLists } from './latest.js';
import { QueueChart } from './queue-chart.js';
import { QueueHistory } from './queue-history.js';
import { RateMeter } from './rates.js';
import { setUpTheme } from './theme.js';
import { showTiles } from './tiles.js';
import { VmTable } from './vm-table.js';

const chart = new QueueChart();
const devices = new DeviceList();
const history = new QueueHistory();
const latest = new LatestLists();
const meter = new RateMeter();
const vmTable = new VmTable(byId('vm-table', HTMLElement));
let version: string | undefined;
let seenMs: number | undefined;

setUpTheme(() => {
  chart.redraw();
});

new Connection({
  onHistory: (samples) => {
    history.replaceBy(samples);
  },
  onSample: (sample) => {
    history.add(sample);
    chart.show(history, sample.queued);
  },
  onNow: show,
  onState: showState,
});

function show({ atMs, mediator, vms, requests, errors }: Now): void {
  // The page of another version may not know what this one says.
  version ??= mediator.version;
  if (version !== mediator.version) location.reload();
  seenMs = atMs;
  const rates = meter.take(mediator);
  const queued = queuedByPriority(mediator);
  chart.show(history, queued);
  showTiles(mediator, rates);
  devices.show(mediator.devices, rates.busy, mediator.pools);
  vmTable.show(vms.shown);
  latest.show(requests, errors);
  const { root, phase, uptimeMs, isRootReadable } = mediator;
  const state =
    phase === 'serving'
      ? `up ${duration(1000 * Math.floor(uptimeMs / 1000))}`
      : phase === 'new'
        ? 'starting'
        : phase;
  const problem = isRootReadable ? '' : ' · the root cannot be read';
  setText(byId('about', HTMLElement), `${root} · ${version} · ${state}${problem}`);
  const { known, registered, shown } = vms;
  const which =
    shown.length < known
      ? `; shown are ${count(shown.length)}: most queued, then most requests`
      : '';
  const registrations = `${count(registered)} of ${count(known)} registered`;
  setText(byId('vm-count', HTMLElement), `${registrations}${which}`);
  byId('no-vms', HTMLElement).hidden = known > 0;
}

function queuedByPriority({ queue }: Now['mediator']): number[] {
  return queue.oldest.map(({ priority }) =>
    queue.depths.reduce((sum, depth) => sum + (depth.priority === priority ? depth.queued : 0), 0),
  );
}

function showState(state: ConnectionState): void {
  const badge = byId('connection', HTMLElement);
  const since = seenMs === undefined ? '' : `; this is of ${time(seenMs)}`;
  const texts = {
    connecting: 'Connecting',
    live: 'Live',
    lost: `Connection lost${since}. Trying again`,
  };
  setText(badge, texts[state]);
  badge.dataset['state'] = state;
  byId('main', HTMLElement).dataset['state'] = state;
}
