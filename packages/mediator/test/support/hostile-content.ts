import type { Random } from '../../../../tests/support/random.js';

const LIMIT = 65_536;

/** Names are bytes: here a character each. Few of them, so that operations meet. */
export function anyName(random: Random): string {
  const id = random.pick(['0', '1', '2', '3', '-', 'x'.repeat(64)]);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return 'request.txt';
    case 3:
      return 'response.txt';
    case 4:
    case 5:
    case 6:
    case 7:
      return `request-${id}.txt`;
    case 8:
    case 9:
      return `response-${id}.txt`;
    case 10:
      return random.pick([`.request-${id}.tmp`, '.request.tmp', `.request-${id}.${id}`]);
    case 11:
      return `.vgpu-answer-${id}`;
    case 12:
      return `.vgpu-taken-${random.below(100)}-14-1000000000-${id}`;
    case 13:
      return random.pick(['request-0.txt/inside', 'response-0.txt/inside', 'directory/inside']);
    default:
      return random.pick(ODD_NAMES);
  }
}

const ODD_NAMES = [
  'request',
  'request-.txt',
  'request-a.b.txt',
  'request-0.txt\n',
  'request-\n.txt',
  '\nrequest.txt',
  'request-\xff\xfe.txt',
  '.vgpu-answer-\xff',
  '.vgpu-taken-\xff',
  '.vgpu-taken-',
  'response-\xc3.txt',
  '\x1b[31m',
  'directory',
  'x'.repeat(255),
  `request-${'y'.repeat(243)}.txt`,
  `request-${'x'.repeat(65)}.txt`,
];

/** The content that a guest writes: requests, parts of them, and any other bytes. */
export function anyContent(random: Random, vm: number): string {
  const numbers = `${random.uint32() | 0}:${random.uint32() | 0}`;
  const line = `${random.pick(['A', 'B'])}:${random.below(3)}:${vm}:${numbers}`;
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return `${line}\n`;
    case 3:
      return line;
    case 4:
      return line.slice(0, random.below(line.length));
    case 5:
      return `A:2:${vm + 1}:1:2\n`;
    case 6:
      return `A:2:${vm}:${'1,'.repeat(2000)}1:${'2,'.repeat(2000)}2\n`;
    case 7:
      return `A:2:${vm}:1:${'0'.repeat(LIMIT + random.below(5) - 12)}\n`;
    case 8:
      return 'x'.repeat(LIMIT - 2 + random.below(5));
    case 9:
      return '';
    case 10:
      return `${line}\n${line}\n`;
    default:
      return Array.from({ length: random.below(80) }, () =>
        String.fromCharCode(random.below(256)),
      ).join('');
  }
}

/** Seconds since 1970: before it, at it, soon after it (the mediator's own mark), far ahead. */
export const ODD_TIMES = [-2_000_000_000, -1, 0, 1, 4_000_000_000, 253_402_300_799];
