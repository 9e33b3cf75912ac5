// `node child.mjs <candidate> <levels | floats | weigh>`: measures one candidate, alone in this process:
// in one that had measured others, every call would be polymorphic and slower.
// Prints figures by workload as JSON.
import { candidates } from './candidates.mjs';
import { fillAndDrain, hold, removeAny, weigh } from './workloads.mjs';

/** Depth for removals. */
const DEPTH = 1e4;
/** Elements that are weighed. */
const WEIGHED = 1e5;

const [name = '', task = ''] = process.argv.slice(2);
const candidate = candidates[name];
if (candidate === undefined) throw new Error(`no candidate ${name}`);
const create = await candidate.load();

/** As in `1e3`. */
const shown = (/** @type {number} */ size) => size.toExponential().replace('+', '');

/** @type {Map<string, number>} */
const figures = new Map();
if (task === 'weigh') {
  const [kind = 'floats'] = candidate.priorities;
  figures.set('bytes', weigh(create, kind, WEIGHED));
} else {
  const kind = task === 'levels' ? 'levels' : 'floats';
  for (const size of kind === 'levels' ? [10, 1e3, 1e5] : [1e3, 1e5]) {
    if (size <= candidate.most) figures.set(`hold ${shown(size)}`, hold(create, kind, size));
  }
  for (const size of [1e3, 1e5, 1e6]) {
    if (size <= candidate.most)
      figures.set(`fill ${shown(size)}`, fillAndDrain(create, kind, size));
  }
  if (create(DEPTH).delete !== undefined)
    figures.set(`remove ${shown(DEPTH)}`, removeAny(create, kind, DEPTH));
}
console.log(JSON.stringify(Object.fromEntries(figures)));
