// The candidates: each is a queue with `push` and `pop`, higher priorities first, as thin as its package
// allows. Peers without FIFO ties get them as cheaply as possible: by a sequence number in the key (levels)
// or in the comparator (any priorities).
/* eslint-disable @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-member-access -- peers
   come without types */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { LevelQueue, PriorityQueue } from '@vgpu/queue';
import { importPeer, installPeers } from '../lib/peers.mjs';

/**
 * @typedef {object} Queue
 * @property {(value: number, priority: number) => any} push what it gives is for `delete`
 * @property {() => number | undefined} pop
 * @property {(handle: any) => unknown} [delete]
 */

/**
 * @typedef {object} Candidate
 * @property {'ours' | 'peer' | 'wired' | 'floor'} kind wired: three FIFO queues by hand, one a level
 * @property {boolean} ties whether equals leave in the order in which they came
 * @property {('levels' | 'floats')[]} priorities
 * @property {boolean} [isFixed] takes only numbers, and as many as were said beforehand
 * @property {number} most elements: with more it takes too long, or there is nothing new to see
 * @property {() => Promise<(capacity: number) => Queue>} load
 */

export const LEVELS = 3;

/** Arrival numbers below this; a key of a level and such a number is exact. */
const ARRIVALS = 2 ** 40;

/** @typedef {{ value: number, priority: number, arrival: number }} Item */

/** @param {Item} a @param {Item} b */
const compare = (a, b) => b.priority - a.priority || a.arrival - b.arrival;

/** @param {Item} a @param {Item} b */
const precedes = (a, b) =>
  a.priority > b.priority || (a.priority === b.priority && a.arrival < b.arrival);

/** @param {string} name @returns {Promise<any>} */
const load = (name) => importPeer(name);

/** @type {Candidate['priorities']} */
const ANY = ['levels', 'floats'];

/** @type {Record<string, Candidate>} */
export const candidates = {
  LevelQueue: {
    ...{ kind: 'ours', ties: true, priorities: ['levels'], most: 1e6 },
    load: () => Promise.resolve(() => new LevelQueue({ levels: LEVELS })),
  },
  PriorityQueue: {
    ...{ kind: 'ours', ties: true, priorities: ANY, most: 1e6 },
    load: () => Promise.resolve(() => new PriorityQueue()),
  },
  flatqueue: {
    ...{ kind: 'peer', ties: false, priorities: ANY, most: 1e6 },
    load: async () => {
      const { default: FlatQueue } = await load('flatqueue');
      class Adapter {
        queue = new FlatQueue();
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.push(value, -priority);
        }
        pop() {
          return this.queue.pop();
        }
      }
      return () => new Adapter();
    },
  },
  'flatqueue, arrival in the key': {
    ...{ kind: 'peer', ties: true, priorities: ['levels'], most: 1e6 },
    load: async () => {
      const { default: FlatQueue } = await load('flatqueue');
      class Adapter {
        queue = new FlatQueue();
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.push(value, this.arrival++ - priority * ARRIVALS);
        }
        pop() {
          return this.queue.pop();
        }
      }
      return () => new Adapter();
    },
  },
  heapify: {
    ...{ kind: 'peer', ties: false, isFixed: true, priorities: ANY, most: 1e6 },
    load: async () => {
      const { MinQueue } = (await load('heapify')).default;
      class Adapter {
        constructor(/** @type {number} */ capacity) {
          this.queue = new MinQueue(capacity, [], [], Uint32Array, Float64Array);
        }
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.push(value, -priority);
        }
        pop() {
          return this.queue.pop();
        }
      }
      return (capacity) => new Adapter(capacity);
    },
  },
  'heapify, arrival in the key': {
    ...{ kind: 'peer', ties: true, isFixed: true, priorities: ['levels'], most: 1e6 },
    load: async () => {
      const { MinQueue } = (await load('heapify')).default;
      class Adapter {
        constructor(/** @type {number} */ capacity) {
          this.queue = new MinQueue(capacity, [], [], Uint32Array, Float64Array);
        }
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.push(value, this.arrival++ - priority * ARRIVALS);
        }
        pop() {
          return this.queue.pop();
        }
      }
      return (capacity) => new Adapter(capacity);
    },
  },
  tinyqueue: {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e6 },
    load: async () => {
      const { default: TinyQueue } = await load('tinyqueue');
      class Adapter {
        queue = new TinyQueue([], compare);
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.push({ value, priority, arrival: this.arrival++ });
        }
        pop() {
          return this.queue.pop()?.value;
        }
      }
      return () => new Adapter();
    },
  },
  fastpriorityqueue: {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e5 },
    load: async () => {
      const { default: FastPriorityQueue } = await load('fastpriorityqueue');
      class Adapter {
        queue = new FastPriorityQueue(precedes);
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          const item = { value, priority, arrival: this.arrival++ };
          this.queue.add(item);
          return item;
        }
        pop() {
          return this.queue.poll()?.value;
        }
        delete(/** @type {Item} */ item) {
          this.queue.removeOne((/** @type {Item} */ other) => other === item);
        }
      }
      return () => new Adapter();
    },
  },
  'js-sdsl': {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e5 },
    load: async () => {
      const sdsl = await load('js-sdsl');
      class Adapter {
        queue = new sdsl.PriorityQueue([], compare);
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          const item = { value, priority, arrival: this.arrival++ };
          this.queue.push(item);
          return item;
        }
        pop() {
          return this.queue.pop()?.value;
        }
        delete(/** @type {Item} */ item) {
          this.queue.remove(item);
        }
      }
      return () => new Adapter();
    },
  },
  '@datastructures-js': {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e5 },
    load: async () => {
      const { PriorityQueue: Peer } = await load('@datastructures-js/priority-queue');
      class Adapter {
        queue = new Peer(compare);
        arrival = 0;
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          const item = { value, priority, arrival: this.arrival++ };
          this.queue.push(item);
          return item;
        }
        pop() {
          return this.queue.pop()?.value;
        }
        delete(/** @type {Item} */ item) {
          this.queue.remove((/** @type {Item} */ other) => other === item);
        }
      }
      return () => new Adapter();
    },
  },
  // The only two that keep FIFO ties by themselves.
  stablepriorityqueue: {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e5 },
    load: async () => {
      const { default: StablePriorityQueue } = await load('stablepriorityqueue');
      class Adapter {
        queue = new StablePriorityQueue(
          (/** @type {Item} */ a, /** @type {Item} */ b) => b.priority - a.priority,
        );
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.add({ value, priority });
        }
        pop() {
          return this.queue.poll()?.value;
        }
      }
      return () => new Adapter();
    },
  },
  'p-queue, its PriorityQueue': {
    ...{ kind: 'peer', ties: true, priorities: ANY, most: 1e3 },
    load: async () => {
      const path = join(installPeers(), 'node_modules/p-queue/dist/priority-queue.js');
      const { default: Peer } = await import(pathToFileURL(path).href);
      class Adapter {
        queue = new Peer();
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          this.queue.enqueue(value, { priority });
        }
        pop() {
          return this.queue.dequeue();
        }
      }
      return () => new Adapter();
    },
  },
  'denque, one a level': wired('denque'),
  'double-ended-queue, one a level': wired('double-ended-queue'),
  'yocto-queue, one a level': {
    ...{ kind: 'wired', ties: true, priorities: ['levels'], most: 1e6 },
    load: async () => {
      const { default: Fifo } = await load('yocto-queue');
      class Adapter {
        low = new Fifo();
        middle = new Fifo();
        high = new Fifo();
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          if (priority === 0) this.low.enqueue(value);
          else if (priority === 1) this.middle.enqueue(value);
          else this.high.enqueue(value);
        }
        pop() {
          return this.high.dequeue() ?? this.middle.dequeue() ?? this.low.dequeue();
        }
      }
      return () => new Adapter();
    },
  },
  'a ring, no priorities': {
    ...{ kind: 'floor', ties: false, priorities: ANY, most: 1e6 },
    load: () => Promise.resolve(() => new Ring()),
  },
};

/**
 * Three FIFO queues, of which `pop` takes the first that is not empty: the way to do it by hand.
 *
 * @param {string} name
 * @returns {Candidate}
 */
function wired(name) {
  return {
    ...{ kind: 'wired', ties: true, priorities: ['levels'], most: 1e6 },
    load: async () => {
      const { default: Fifo } = await load(name);
      class Adapter {
        low = new Fifo();
        middle = new Fifo();
        high = new Fifo();
        push(/** @type {number} */ value, /** @type {number} */ priority) {
          if (priority === 0) this.low.push(value);
          else if (priority === 1) this.middle.push(value);
          else this.high.push(value);
        }
        pop() {
          return this.high.shift() ?? this.middle.shift() ?? this.low.shift();
        }
      }
      return () => new Adapter();
    },
  };
}

/** A FIFO queue in a ring that doubles. */
class Ring {
  /** @type {(number | undefined)[]} */
  slots = new Array(16).fill(undefined);
  head = 0;
  size = 0;

  push(/** @type {number} */ value) {
    if (this.size === this.slots.length) this.double();
    this.slots[(this.head + this.size++) & (this.slots.length - 1)] = value;
  }

  pop() {
    if (this.size === 0) return undefined;
    const value = this.slots[this.head];
    this.slots[this.head] = undefined;
    this.head = (this.head + 1) & (this.slots.length - 1);
    this.size -= 1;
    return value;
  }

  double() {
    const { length } = this.slots;
    const inOrder = this.slots.slice(this.head).concat(this.slots.slice(0, this.head));
    this.slots = inOrder.concat(new Array(length).fill(undefined));
    this.head = 0;
  }
}
