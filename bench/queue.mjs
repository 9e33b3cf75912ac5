import { PriorityQueue } from '@vgpu/queue';
import { quantile } from './lib/measured.mjs';

/** Elements pushed and popped in all, for each size. */
const TOTAL = 3_000_000;

/** Fill, then drain, with three priorities: nanoseconds for each element. */
export function measureQueue() {
  const rows = [1_000, 100_000].map((elements) => {
    const times = Array.from({ length: TOTAL / elements }, () => {
      const priorities = Array.from({ length: elements }, () => Math.floor(3 * Math.random()));
      const queue = new PriorityQueue();
      const started = performance.now();
      for (const priority of priorities) queue.push(priority, priority);
      while (queue.pop() !== undefined);
      return (1e6 * (performance.now() - started)) / elements;
    });
    return { elements, 'ns per push and pop': Math.round(quantile(times, 0.5)) };
  });
  return Promise.resolve({ tables: [{ title: 'Fill and drain', rows }], ratios: [] });
}
