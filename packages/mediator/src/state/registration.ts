import * as z from 'zod/mini';
import { Pool, Priority } from '@vgpu/protocol';

const between = (least: number, most: number, what: string) =>
  z.number(what).check(z.minimum(least, what), z.maximum(most, what));
const count = (what: string) => z.int(what).check(z.minimum(1, what), z.maximum(1_000_000, what));

/** How fast a VM's requests may come. */
const RegisteredRateLimit = z.strictObject({
  /** Requests per second in the long run; may be a fraction. */
  perSecond: between(0.001, 1_000_000, 'requests per second from 0.001 to 1000000'),
  /** Requests that may come at once after a pause. */
  burst: count('a whole number from 1 to 1000000'),
});

/**
 * What the host's administrator says about a VM; it outranks what the VM says.
 *
 * @useDeclaredType
 */
export const Registration = z.strictObject({
  /** Which devices may serve it. */
  pool: Pool,
  /** 2 high, 1 medium, 0 low. */
  priority: Priority,
  /** Its requests are answered `SUSPENDED`. */
  suspended: z._default(z.boolean('true or false'), false),
  /** If absent, the mediator's own limit counts. */
  rateLimit: z.optional(RegisteredRateLimit),
  /** Requests in the queue at once; what is beyond waits on disk. If absent, the mediator's own limit counts. */
  maxQueued: z.optional(count('a whole number from 1 to 1000000')),
});
export type Registration = z.infer<typeof Registration>;

const DEVICES = 'device numbers from 0 to 999, each once, one at least';

/** What the host's administrator says about a pool. */
export const PoolSettings = z.strictObject({
  /** The devices that serve it, by the numbers that `--devices` has. */
  devices: z
    .array(between(0, 999, DEVICES).check(z.multipleOf(1, DEVICES)), DEVICES)
    .check(
      z.refine((list) => list.length > 0 && new Set(list).size === list.length, { error: DEVICES }),
    ),
});
export type PoolSettings = z.infer<typeof PoolSettings>;
