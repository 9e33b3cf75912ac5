import { Pool, Priority } from '@vgpu/protocol';
import * as z from 'zod/mini';
import type { MediatorSnapshot } from '../telemetry/snapshot.js';

const Percentiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() });

const TOTALS = {
  requests: z.int(),
  answered: z.int(),
  errors: z.int(),
  withdrawn: z.int(),
  claimsOverridden: z.int(),
  deviceMs: z.number(),
};

/** A mediator's snapshot and its process ID. Fields that later versions add are passed on. */
export type StatusResult = MediatorSnapshot & { readonly pid: number };

/** Checks a status; it may come from a mediator of another version. */
export const StatusResult: z.ZodMiniType<StatusResult> = z.looseObject({
  pid: z.int(),
  version: z.string(),
  uptimeMs: z.number(),
  root: z.string(),
  stateDir: z.string(),
  phase: z.enum(['new', 'serving', 'draining', 'stopping']),
  isRootReadable: z.boolean(),
  queue: z.looseObject({
    queued: z.int(),
    depths: z.array(z.looseObject({ pool: Pool, priority: Priority, queued: z.int() })),
    oldest: z.array(z.looseObject({ priority: Priority, ageMs: z.nullable(z.number()) })),
  }),
  devices: z.array(
    z.looseObject({
      executor: z.int(),
      device: z.nullable(z.int()),
      backend: z.nullable(z.enum(['cuda', 'cpu'])),
      name: z.nullable(z.string()),
      state: z.enum(['closed', 'idle', 'busy', 'stopped', 'out-of-service']),
      busyMs: z.number(),
      jobs: z.int(),
      faults: z.int(),
    }),
  ),
  pools: z.array(
    z.looseObject({
      pool: Pool,
      devices: z.nullable(z.array(z.int())),
      isServed: z.boolean(),
    }),
  ),
  totals: z.looseObject(TOTALS),
  vms: z.array(
    z.looseObject({
      vm: z.int(),
      registered: z.boolean(),
      pool: z.nullable(Pool),
      priority: z.nullable(Priority),
      state: z.enum(['active', 'suspended', 'refused', 'absent', 'failing']),
      queued: z.int(),
      ...TOTALS,
      recentWaitMs: z.nullable(Percentiles),
    }),
  ),
});
