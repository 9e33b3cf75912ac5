import { canServe } from '../../src/http/readiness.js';
import type { DeviceSnapshot, PoolSnapshot } from '../../src/telemetry/snapshot.js';
import { waitingPools } from '../../src/devices/waiting-pools.js';
import { byId, make, setText } from './dom.js';
import { count, duration, percent } from './format.js';

interface Item {
  readonly name: HTMLElement;
  readonly state: HTMLElement;
  readonly bar: HTMLProgressElement;
  readonly facts: HTMLElement;
}

/** What each device does, and which pools have none. */
export class DeviceList {
  readonly #problem = byId('waiting-pools', HTMLElement);
  readonly #list = byId('devices', HTMLUListElement);
  readonly #items: Item[] = [];

  /** @param busy The share of the last seconds that each one was busy for. */
  show(
    devices: readonly DeviceSnapshot[],
    busy: readonly number[],
    pools: readonly PoolSnapshot[],
  ): void {
    setText(this.#problem, waitingPools(pools).join('; '));
    for (const [i, device] of devices.entries()) {
      const { name, state, bar, facts } = (this.#items[i] ??= this.#add());
      const number = device.device ?? device.executor;
      setText(name, `${number} · ${device.name ?? 'not opened yet'}`);
      // Whether there is a request on it in the very moment says nothing.
      const isServing = canServe(device);
      setText(state, isServing ? `${percent(busy[i] ?? 0)} busy` : device.state);
      state.dataset['state'] = isServing ? 'active' : 'failing';
      bar.value = isServing ? (busy[i] ?? 0) : 0;
      bar.setAttribute('aria-label', `Device ${number}, how busy`);
      const faults = device.faults === 0 ? '' : ` · ${count(device.faults)} × lost or hung`;
      setText(facts, `${count(device.jobs)} requests in ${duration(device.busyMs)}${faults}`);
    }
    for (const { name } of this.#items.splice(devices.length)) name.closest('li')?.remove();
  }

  #add(): Item {
    const [name, state] = [make('b', {}), make('span', { class: 'badge' })];
    const bar = make('progress', { max: '1' });
    const facts = make('p', { class: 'muted' });
    this.#list.append(make('li', {}, make('div', { class: 'heading' }, name, state), bar, facts));
    return { name, state, bar, facts };
  }
}
