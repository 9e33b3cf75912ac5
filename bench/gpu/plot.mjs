import { size } from './report.mjs';

/**
 * @typedef {import('./vectors.mjs').Vectors} Vectors
 * @typedef {import('./vectors.mjs').Way} Way
 */

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 62;
const RIGHT = 738;
const TOP = 74;
const BOTTOM = 372;

/** They differ in colour, in brightness and in the shape of the marks. */
/** @type {{ way: Way, label: string, colour: string, mark: (x: number, y: number) => string }[]} */
const SERIES = [
  {
    way: 'allocated',
    label: 'memory from allocate()',
    colour: '#0b5cad',
    mark: (x, y) => `<circle cx="${x}" cy="${y}" r="4.5"/>`,
  },
  {
    way: 'out',
    label: 'ordinary arrays, out used again',
    colour: '#d35400',
    mark: (x, y) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"/>`,
  },
  {
    way: 'fresh',
    label: 'ordinary arrays, new result',
    colour: '#1e8449',
    mark: (x, y) => `<path d="M${x - 5} ${y + 4}h10l-5-9z"/>`,
  },
];

/**
 * A figure of the vectors: GB/s into the GPU for each size, and the floor, as SVG.
 *
 * @param {readonly Vectors[]} vectors ascending sizes
 * @param {number} floor bytes per second
 * @param {string} device
 */
export function plotVectors(vectors, floor, device) {
  const sizes = vectors.map(({ bytes }) => bytes);
  const [first, last] = [Math.log2(Math.min(...sizes)), Math.log2(Math.max(...sizes))];
  const fastest = Math.max(floor / 1e9, ...SERIES.flatMap(({ way }) => speeds(vectors, way)));
  const step = niceStep(fastest / 5);
  const top = step * Math.ceil((1.04 * fastest) / step);
  const x = (/** @type {number} */ bytes) =>
    round(LEFT + 16 + ((RIGHT - LEFT - 32) * (Math.log2(bytes) - first)) / (last - first));
  const y = (/** @type {number} */ gb) => round(BOTTOM - ((BOTTOM - TOP) * gb) / top);

  const horizontal = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => round(i * step));
  const floorY = y(floor / 1e9);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="13" fill="#222">`,
    `<title>Vector addition on ${escaped(device)}: GB/s into the GPU by bytes per operand</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...legend(),
    '<g stroke="#ddd">',
    ...horizontal.map((gb) => `<path d="M${LEFT} ${y(gb)}H${RIGHT}"/>`),
    ...sizes.map((bytes) => `<path d="M${x(bytes)} ${TOP}V${BOTTOM}"/>`),
    '</g>',
    `<path d="M${LEFT} ${TOP}V${BOTTOM}H${RIGHT}" fill="none" stroke="#555"/>`,
    ...horizontal.map((gb) => text(LEFT - 8, y(gb) + 4.5, String(gb), 'end')),
    ...sizes.map((bytes) => text(x(bytes), BOTTOM + 20, size(bytes), 'middle')),
    text((LEFT + RIGHT) / 2, BOTTOM + 48, `bytes per operand (${escaped(device)})`, 'middle'),
    `<text transform="translate(18 ${(TOP + BOTTOM) / 2}) rotate(-90)" text-anchor="middle">GB/s into the GPU</text>`,
    `<path d="M${LEFT} ${floorY}H${RIGHT}" stroke="#222" stroke-width="1.5" stroke-dasharray="7 4"/>`,
    ...SERIES.flatMap(({ way, colour, mark }) => {
      const points = speeds(vectors, way).map((gb, i) => ({ x: x(sizes[i] ?? NaN), y: y(gb) }));
      const line = points.map((point) => `${point.x} ${point.y}`).join('L');
      return [
        `<g fill="${colour}"><path d="M${line}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map((point) => mark(point.x, point.y)),
        '</g>',
      ];
    }),
    '</svg>\n',
  ].join('\n');

  /** Above the field, two by two, where no line can run through it. */
  function legend() {
    const columns = [LEFT, (LEFT + RIGHT) / 2];
    const entries = SERIES.map(({ label, colour, mark }, i) => {
      const [left, middle] = [columns[i % 2] ?? LEFT, 24 + 24 * Math.floor(i / 2)];
      return `<g fill="${colour}" stroke-width="2"><path d="M${left} ${middle}h30" stroke="${colour}"/>${mark(left + 15, middle)}</g>${text(left + 38, middle + 4.5, label, 'start')}`;
    });
    const [left, middle] = [columns[1] ?? LEFT, 48];
    const label = `floor: plain copies, ${(floor / 1e9).toFixed(1)} GB/s`;
    return [
      ...entries,
      `<path d="M${left} ${middle}h30" stroke="#222" stroke-width="1.5" stroke-dasharray="7 4"/>`,
      text(left + 38, middle + 4.5, label, 'start'),
    ];
  }
}

function speeds(/** @type {readonly Vectors[]} */ vectors, /** @type {Way} */ way) {
  return vectors.map((row) => row[way].gbPerSecond);
}

/** @param {number} x @param {number} y @param {string} content @param {string} anchor */
function text(x, y, content, anchor) {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}">${content}</text>`;
}

/** 1, 2 or 5 times a power of ten, at least as large. */
function niceStep(/** @type {number} */ least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 5].find((factor) => factor * power >= least) ?? 10) * power;
}

function round(/** @type {number} */ value) {
  return Math.round(10 * value) / 10;
}

function escaped(/** @type {string} */ name) {
  return name.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
}
