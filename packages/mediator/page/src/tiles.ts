import type { MediatorOverview } from '../../src/telemetry/snapshot.js';
import { byId, setText } from './dom.js';
import { count, duration, percent, rate } from './format.js';
import type { Rates } from './rates.js';

/** The figures that one looks at first. */
export function showTiles({ queue, devices, totals }: MediatorOverview, rates: Rates): void {
  const set = (id: string, text: string) => {
    setText(byId(`tile-${id}`, HTMLElement), text);
  };

  set('queued', count(queue.queued));
  const ages = queue.oldest.map(({ ageMs }) => ageMs ?? 0);
  set(
    'oldest',
    queue.queued === 0 ? 'nothing waits' : `the oldest for ${duration(Math.max(...ages))}`,
  );

  set('rate', `${rate(rates.answered)}/s`);
  set('answered', `${count(totals.answered)} since the start`);

  const serving = devices.filter(({ state }) => state === 'idle' || state === 'busy').length;
  const busy = rates.busy.reduce((total, share) => total + share, 0);
  set('busy', percent(devices.length === 0 ? 0 : busy / devices.length));
  set('devices', `${count(serving)} of ${count(devices.length)} serve`);

  set('errors', count(totals.errors));
  set('error-rate', rates.errors === 0 ? 'none just now' : `${rate(rates.errors)}/s just now`);
}
