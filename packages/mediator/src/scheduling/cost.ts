import { MAX_LINE_BYTES } from '@vgpu/protocol';
import type { TurnLimits } from './deficit-round-robin.js';

/**
 * What a guest pays for: everything that it causes, in one unit, whether its request is served, refused
 * or withdrawn. The unit is about what it costs to find out what a name stands for: two or three system
 * calls, 5 to 10 microseconds. The others were measured against it (CPU time, tmpfs).
 */
export const COST = {
  /** To find out what a name stands for: lstat(2), or open, fstat, read and close of a small file. */
  look: 1,
  /** To read a byte. */
  readByte: 1 / 8192,
  /** To take a request line apart, per byte. */
  decodedByte: 1 / 1024,
  /** To put a response in place, and to clear its request. */
  response: 6,
  /** To compute an element where the device does it in the event loop, and to write it. */
  element: 1 / 1024,
  /** To forget a queued request. */
  withdrawal: 2,
  /** To go on with a listing. */
  listing: 1,
  /** How far a request came that failed is not known: as much as it can cost at most. */
  failure: 6 + MAX_LINE_BYTES / 1024,
  /** To go through a directory, per byte, in which nothing need be left (ext4). */
  listedByte: 1 / 32_768,
  /** To list a name, and to find out how old a request is. */
  listedName: 1 / 16,
  listedRequest: 1 / 2,
  /** To find out whether a name is stale, and to remove the file. */
  staleName: 1,
  staleFile: 4,
  /** To read an event of inotify(7). */
  event: 1 / 16,
} as const;

/**
 * What bounds a turn: a quantum is what two small requests cost, as many as each turn computes at least, or a
 * fifth of one of 64 KiB.
 */
export const TURN: TurnLimits = {
  quantum: 20,
  flowMs: 0.5,
  turnCost: 64,
  turnMs: 0.5,
  mostCost: Infinity,
};
/** The first turn is to know all that was on disk, unless that is very much. */
export const FIRST_TURN: TurnLimits = {
  quantum: 8192,
  flowMs: Infinity,
  turnCost: 0,
  turnMs: 0,
  mostCost: 32_768,
};
