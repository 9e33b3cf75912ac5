// The peer: BullMQ on a Redis of its own, on a socket, that writes nothing to disk. Its worker does
// nothing but the addition, in the same process.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importPeer } from './peers.mjs';
import { stop } from './processes.mjs';

/** The jobs that its worker takes at the same time: the number that is fastest here. */
const CONCURRENCY = 64;

/** The reason why it cannot be measured here, if any. */
export const MISSING = 'redis-server is not installed (Debian: redis-server)';

/**
 * The part of its interface that is used.
 *
 * @typedef {{ data: { a: number, b: number }, waitUntilFinished(events: object): Promise<number> }} Job
 * @typedef {{ close(): Promise<void>, waitUntilReady(): Promise<unknown> }} Part
 * @typedef {Part & { add(name: string, data: Job['data'], options: object): Promise<Job> }} Queue
 * @typedef {object} Bullmq
 * @property {new (name: string, options: object) => Queue} Queue
 * @property {new (name: string, options: object) => Part} QueueEvents
 * @property {new (name: string, work: (job: Job) => Promise<number>, options: object) => Part} Worker
 */

/**
 * @template T
 * @param {(add: (a: number, b: number) => Promise<number>) => Promise<T>} measure
 * @returns {Promise<T | undefined>} as `measure` has it; undefined if there is no Redis
 */
export async function withBullmq(measure) {
  const base = mkdtempSync(join(tmpdir(), 'vgpu-bench-redis-'));
  const socket = join(base, 'socket');
  const settings = { port: 0, unixsocket: socket, save: '', appendonly: 'no', dir: base };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const isThere = await new Promise((resolve) => {
      redis.once('error', () => {
        resolve(false);
      });
      redis.stdout.on('data', (text) => {
        if (String(text).includes('eady to accept connections')) resolve(true);
      });
    });
    if (!isThere) return undefined;
    const { Queue, QueueEvents, Worker } = /** @type {Bullmq} */ (await importPeer('bullmq'));
    const connection = { path: socket, maxRetriesPerRequest: null };
    const queue = new Queue('sums', { connection });
    const events = new QueueEvents('sums', { connection });
    const work = (/** @type {Job} */ { data }) => Promise.resolve((data.a + data.b) | 0);
    const worker = new Worker('sums', work, { connection, concurrency: CONCURRENCY });
    await Promise.all([events.waitUntilReady(), worker.waitUntilReady()]);
    const options = { removeOnComplete: { count: 10_000 }, priority: 1 };
    const result = await measure(async (a, b) => {
      const job = await queue.add('sum', { a, b }, options);
      return job.waitUntilFinished(events);
    });
    await Promise.all([worker.close(), events.close(), queue.close()]);
    return result;
  } finally {
    await stop(redis);
    rmSync(base, { recursive: true });
  }
}
