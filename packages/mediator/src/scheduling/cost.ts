import { MAX_LINE_BYTES } from '@vgpu/protocol';
import type { TurnLimits } from './deficit-round-robin.js';

/**
 * The cost of all work that a guest causes, in one unit, whether its request is served, refused or
 * withdrawn. The unit is about the cost of reading the file of a name: two or three system calls, 5 to 10
 * microseconds. The other costs were measured against it (CPU time, tmpfs).
 */
export const COST = {
  /** To read the file of a name: lstat(2), or open, fstat, read and close of a small file. */
  read: 1,
  /** To read a byte. */
  readByte: 1 / 8192,
  /** To parse a request line, per byte. */
  decodedByte: 1 / 1024,
  /** To put a response in place, and to clear its request. */
  response: 6,
  /** To compute an element, if the device does so in the event loop, and to write it. */
  element: 1 / 1024,
  /** To forget a queued request. */
  withdrawal: 2,
  /** To take a step of a listing. */
  listing: 1,
  /** For a request that failed: the most that one can cost, since the failed step is not known. */
  failure: 6 + MAX_LINE_BYTES / 1024,
  /** To read a directory, per byte; its blocks may be empty (ext4). */
  listedByte: 1 / 32_768,
  /** To list a name, and to read the age of a request. */
  listedName: 1 / 16,
  listedRequest: 1 / 2,
  /** To check whether a name is stale, and to remove its file. */
  staleName: 1,
  staleFile: 4,
  /** To read an event of inotify(7). */
  event: 1 / 16,
} as const;

/**
 * The limits of a turn. The quantum is the cost of two small requests, the least that each turn computes, or a
 * fifth of the cost of a request of 64 KiB.
 */
export const TURN: TurnLimits = {
  quantum: 20,
  flowMs: 0.5,
  turnCost: 64,
  turnMs: 0.5,
  mostCost: Infinity,
};
/** The first turn should read all requests on disk, unless there are very many. */
export const FIRST_TURN: TurnLimits = {
  quantum: 8192,
  flowMs: Infinity,
  turnCost: 0,
  turnMs: 0,
  mostCost: 32_768,
};
