import type { FinishedAt, ErrorEvent } from '../../src/http/page-events.js';
import { byId, make } from './dom.js';
import { duration, NONE, time } from './format.js';

const PRIORITIES = ['low', 'medium', 'high'];

/** The latest requests and the latest errors. What VMs wrote is text here, whatever it says. */
export class LatestLists {
  readonly #requests = byId('latest', HTMLElement);
  readonly #errors = byId('troubles', HTMLElement);
  #shownRequests = '';
  #shownErrors = '';

  show(requests: readonly FinishedAt[], errors: readonly ErrorEvent[]): void {
    byId('no-latest', HTMLElement).hidden = requests.length > 0;
    byId('no-troubles', HTMLElement).hidden = errors.length > 0;
    // Only what is new is shown, so that the rest can be selected.
    const [newRequests, newErrors] = [requests, errors].map((list) => JSON.stringify(list));
    if (newRequests !== undefined && newRequests !== this.#shownRequests) {
      this.#shownRequests = newRequests;
      this.#requests.replaceChildren(...requests.map(rowOf));
    }
    if (newErrors !== undefined && newErrors !== this.#shownErrors) {
      this.#shownErrors = newErrors;
      this.#errors.replaceChildren(...errors.map(itemOf));
    }
  }
}

function rowOf({ atMs, request }: FinishedAt): HTMLElement {
  const { vm, slot, pool, priority, outcome, waitMs, execMs } = request;
  const level = priority === undefined ? undefined : PRIORITIES[priority];
  const as = pool === undefined ? slotName(slot) : `${pool} ${level ?? ''} · ${slotName(slot)}`;
  const state = outcome === 'OK' ? 'ok' : outcome === 'WITHDRAWN' ? 'none' : 'some';
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

function itemOf(event: ErrorEvent): HTMLElement {
  const at = make('time', { text: time(event.atMs), class: 'muted' });
  if ('fault' in event) {
    const { device, fault } = event;
    const what = `device ${device.device ?? device.executor} ${fault.kind}`;
    return make('li', {}, at, make('b', { text: what }), make('p', { text: fault.message }));
  }
  const { vm, slot, outcome, error = '' } = event.request;
  const who = make('span', { text: `VM ${vm} · ${slotName(slot)}`, class: 'muted' });
  const text = make('p', { text: error });
  return make('li', {}, at, make('b', { text: outcome }), who, ...(error === '' ? [] : [text]));
}

function slotName(slot: string): string {
  return slot === '.' ? 'plain slot' : slot;
}
