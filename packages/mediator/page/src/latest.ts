import type { FinishedAt, Trouble } from '../../src/http/page-events.js';
import { byId, make } from './dom.js';
import { duration, NONE, time } from './format.js';

const PRIORITIES = ['low', 'medium', 'high'];

/** The latest requests and the latest errors. What VMs wrote is text here, whatever it says. */
export class LatestLists {
  readonly #requests = byId('latest', HTMLElement);
  readonly #troubles = byId('troubles', HTMLElement);
  #shownRequests = '';
  #shownTroubles = '';

  show(requests: readonly FinishedAt[], troubles: readonly Trouble[]): void {
    byId('no-latest', HTMLElement).hidden = requests.length > 0;
    byId('no-troubles', HTMLElement).hidden = troubles.length > 0;
    // Only what is new is shown, so that the rest can be selected.
    const [newRequests, newTroubles] = [requests, troubles].map((list) => JSON.stringify(list));
    if (newRequests !== undefined && newRequests !== this.#shownRequests) {
      this.#shownRequests = newRequests;
      this.#requests.replaceChildren(...requests.map(rowOf));
    }
    if (newTroubles !== undefined && newTroubles !== this.#shownTroubles) {
      this.#shownTroubles = newTroubles;
      this.#troubles.replaceChildren(...troubles.map(itemOf));
    }
  }
}

function rowOf({ atMs, request }: FinishedAt): HTMLElement {
  const { vm, slot, pool, priority, outcome, waitMs, execMs } = request;
  const level = priority === undefined ? undefined : PRIORITIES[priority];
  const as = pool === undefined ? slotName(slot) : `${pool} ${level ?? ''} · ${slotName(slot)}`;
  const state = outcome === 'ok' ? 'ok' : outcome === 'WITHDRAWN' ? 'none' : 'some';
  return make(
    'tr',
    {},
    make('td', { text: time(atMs) }),
    make('td', { text: String(vm), class: 'number' }),
    make('td', { text: as, title: as, class: 'cut' }),
    make('td', { text: outcome, 'data-state': state }),
    make('td', { text: waitMs === undefined ? NONE : duration(waitMs), class: 'number' }),
    make('td', { text: execMs === undefined ? NONE : duration(execMs), class: 'number' }),
  );
}

function itemOf(trouble: Trouble): HTMLElement {
  const at = make('time', { text: time(trouble.atMs), class: 'muted' });
  if ('fault' in trouble) {
    const { device, fault } = trouble;
    const what = `device ${device.device ?? device.executor} ${fault.kind}`;
    return make('li', {}, at, make('b', { text: what }), make('p', { text: fault.message }));
  }
  const { vm, slot, outcome, error = '' } = trouble.request;
  const who = make('span', { text: `VM ${vm} · ${slotName(slot)}`, class: 'muted' });
  const text = make('p', { text: error });
  return make('li', {}, at, make('b', { text: outcome }), who, ...(error === '' ? [] : [text]));
}

function slotName(slot: string): string {
  return slot === '.' ? 'plain slot' : slot;
}
