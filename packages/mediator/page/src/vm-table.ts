import type { VmSnapshot } from '../../src/telemetry/snapshot.js';
import { make, setText } from './dom.js';
import { count, duration, NONE } from './format.js';

interface Column {
  readonly title: string;
  readonly text: (vm: VmSnapshot) => string;
  /** What it is sorted by; null and undefined come last, whichever way. */
  readonly key: (vm: VmSnapshot) => number | string | null | undefined;
  readonly isNumber?: boolean;
  /** For the style of the cell. */
  readonly state?: (vm: VmSnapshot) => string;
}

const PRIORITIES = ['low', 'medium', 'high'];

const wait = (percentile: 'p50' | 'p95' | 'p99'): Column => ({
  title: `Wait ${percentile}`,
  text: ({ recentWaitMs }) => (recentWaitMs === null ? NONE : duration(recentWaitMs[percentile])),
  key: ({ recentWaitMs }) => recentWaitMs?.[percentile],
  isNumber: true,
});

const counted = (title: string, key: (vm: VmSnapshot) => number): Column => ({
  ...{ title, key },
  text: (vm) => count(key(vm)),
  isNumber: true,
});

const COLUMNS: readonly Column[] = [
  { title: 'VM', text: ({ vm }) => String(vm), key: ({ vm }) => vm, isNumber: true },
  {
    title: 'State',
    text: ({ state, registered }) => (registered ? state : `${state}, not registered`),
    key: ({ state }) => state,
    state: ({ state }) => state,
  },
  { title: 'Pool', text: ({ pool }) => pool ?? NONE, key: ({ pool }) => pool },
  {
    title: 'Priority',
    text: ({ priority }) => (priority === null ? NONE : (PRIORITIES[priority] ?? NONE)),
    key: ({ priority }) => priority,
  },
  counted('Queued', ({ queued }) => queued),
  counted('Answered', ({ answered }) => answered),
  {
    ...counted('Errors', ({ errors }) => errors),
    state: ({ errors }) => (errors > 0 ? 'some' : 'none'),
  },
  wait('p50'),
  wait('p95'),
  wait('p99'),
  {
    title: 'Device time',
    text: ({ deviceMs }) => (deviceMs === 0 ? NONE : duration(deviceMs)),
    key: ({ deviceMs }) => deviceMs,
    isNumber: true,
  },
];

interface Row {
  readonly element: HTMLTableRowElement;
  readonly cells: readonly HTMLTableCellElement[];
}

/**
 * A row for each VM, sorted by the column whose heading was pressed, the other way at the second time.
 * Rows stay the same elements as long as their VMs are there.
 */
export class VmTable {
  readonly #body = make('tbody', {});
  readonly #headings: readonly HTMLTableCellElement[];
  readonly #rows = new Map<number, Row>();
  #vms: readonly VmSnapshot[] = [];
  #column = 0;
  #isDescending = false;

  constructor(place: HTMLElement) {
    this.#headings = COLUMNS.map(({ title, isNumber = false }, i) => {
      const button = make('button', { type: 'button', text: title });
      button.addEventListener('click', () => {
        this.#sortBy(i);
      });
      return make('th', { scope: 'col', role: 'columnheader', ...classOf(isNumber) }, button);
    });
    const head = make(
      'thead',
      { role: 'rowgroup' },
      make('tr', { role: 'row' }, ...this.#headings),
    );
    this.#body.setAttribute('role', 'rowgroup');
    // The roles are said, because the style makes other boxes of it where there is little room.
    place.append(
      make('table', { role: 'table', 'aria-labelledby': 'vms-heading' }, head, this.#body),
    );
    this.#showOrder();
  }

  show(vms: readonly VmSnapshot[]): void {
    this.#vms = vms;
    const present = new Set(vms.map(({ vm }) => vm));
    for (const [vm, { element }] of this.#rows) {
      if (present.has(vm)) continue;
      element.remove();
      this.#rows.delete(vm);
    }
    const column = COLUMNS[this.#column];
    const sorted = column === undefined ? vms : vms.toSorted(comparing(column, this.#isDescending));
    for (const [i, vm] of sorted.entries()) {
      const { element, cells } = this.#rowOf(vm.vm);
      for (const [j, { text, state }] of COLUMNS.entries()) {
        const cell = cells[j];
        if (cell === undefined) continue;
        setText(cell, text(vm));
        if (state !== undefined) cell.dataset['state'] = state(vm);
      }
      if (this.#body.children[i] !== element)
        this.#body.insertBefore(element, this.#body.children[i] ?? null);
    }
  }

  #rowOf(vm: number): Row {
    const known = this.#rows.get(vm);
    if (known !== undefined) return known;
    const cells = COLUMNS.map(({ title, isNumber = false }, i) =>
      i === 0
        ? make('th', { scope: 'row', role: 'rowheader', 'data-title': title, ...classOf(isNumber) })
        : make('td', { role: 'cell', 'data-title': title, ...classOf(isNumber) }),
    );
    const row = { element: make('tr', { role: 'row', 'data-vm': String(vm) }, ...cells), cells };
    this.#rows.set(vm, row);
    return row;
  }

  #sortBy(column: number): void {
    // Of numbers one looks for the greatest, but of VMs for the first.
    const isFirstDescending = column > 0 && COLUMNS[column]?.isNumber === true;
    this.#isDescending = column === this.#column ? !this.#isDescending : isFirstDescending;
    this.#column = column;
    this.#showOrder();
    this.show(this.#vms);
  }

  #showOrder(): void {
    for (const [i, heading] of this.#headings.entries()) {
      if (i === this.#column) {
        heading.setAttribute('aria-sort', this.#isDescending ? 'descending' : 'ascending');
      } else heading.removeAttribute('aria-sort');
    }
  }
}

function classOf(isNumber: boolean): Record<string, string> {
  return isNumber ? { class: 'number' } : {};
}

/** Equals stay in the order of their VMs. */
function comparing({ key }: Column, isDescending: boolean) {
  return (a: VmSnapshot, b: VmSnapshot): number => {
    const [x, y] = [key(a), key(b)];
    if (x === y) return 0;
    if (x === null || x === undefined) return 1;
    if (y === null || y === undefined) return -1;
    return x < y === isDescending ? 1 : -1;
  };
}
