// Bars, as SVG: long ones are cut, with their value beside them, so that short ones can be compared.
import { rounded } from './measured.mjs';

/** @typedef {import('./measured.mjs').Figure} Figure */

const WIDTH = 760;
const LEFT = 250;
const RIGHT = 640;
const BAR = 18;
const ROW = 26;
const HEAD = 40;
const GAP = 22;
const OURS = '#0b5cad';
const THEIRS = '#9aa5b1';

/** Bars are cut that are longer than this multiple of our longest one. */
const CUT = 8;

/** @param {readonly Figure[]} figures below each other */
export function drawFigures(figures) {
  let y = 0;
  const drawn = figures.map((figure) => {
    const top = y;
    y += HEAD + ROW * figure.bars.length + GAP;
    return draw(figure, top);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" height="${y}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif" font-size="13" fill="#222">`,
    `<title>${escaped(figures[0]?.title ?? '')}</title>`,
    `<rect width="${WIDTH}" height="${y}" fill="#fff"/>`,
    ...drawn.flat(),
    '</svg>\n',
  ].join('\n');
}

/** @param {Figure} figure @param {number} top */
function draw({ title, unit, bars }, top) {
  const longest = Math.max(...bars.map(({ value }) => value));
  const ours = Math.max(...bars.filter(({ isOurs }) => isOurs).map(({ value }) => value));
  const end = Number.isFinite(ours) ? Math.min(longest, CUT * ours) : longest;
  const length = (/** @type {number} */ value) =>
    rounded(((RIGHT - LEFT) * Math.min(value, end)) / end, 4);
  return [
    `<text x="12" y="${top + 24}" font-weight="600">${escaped(title)} (${escaped(unit)})</text>`,
    ...bars.flatMap(({ label, value, isOurs }, index) => {
      const y = top + HEAD + ROW * index;
      const right = LEFT + length(value);
      return [
        `<text x="${LEFT - 10}" y="${y + 14}" text-anchor="end">${escaped(label)}</text>`,
        `<rect x="${LEFT}" y="${y}" width="${length(value)}" height="${BAR}" fill="${isOurs ? OURS : THEIRS}"/>`,
        // A gap in a bar marks it as longer than it looks.
        ...(value > end
          ? [
              `<path d="M${right - 24} ${y + BAR + 2}l8 -${BAR + 4}" stroke="#fff" stroke-width="5"/>`,
            ]
          : []),
        `<text x="${right + 8}" y="${y + 14}">${rounded(value)}</text>`,
      ];
    }),
  ];
}

const escaped = (/** @type {string} */ text) =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);
