import type * as Prom from 'prom-client';

/** Seconds: from 10 microseconds, the duration of a sum, to a minute. */
const BUCKETS = [
  ...[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
];
/** Gauges with names of counters by Prometheus' rules; they are sums of others. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);
/**
 * The interval at which the event loop's delay is sampled, in milliseconds; each sample wakes an
 * idle process.
 */
const LOOP_SAMPLE_MS = 100;

/** Creates all metrics in a registry, those of the process included, except those of each VM. */
export function defineMetrics(
  { Counter, Gauge, Histogram, collectDefaultMetrics }: typeof Prom,
  registry: Prom.Registry,
) {
  const named = <const L extends string>(name: string, help: string, ...labelNames: L[]) => ({
    name: `vgpu_${name}`,
    help,
    labelNames,
    registers: [registry],
  });
  const counter = <const L extends string>(...args: Parameters<typeof named<L>>) =>
    new Counter(named(...args));
  const gauge = <const L extends string>(...args: Parameters<typeof named<L>>) =>
    new Gauge(named(...args));
  const histogram = <const L extends string>(...args: Parameters<typeof named<L>>) =>
    new Histogram({ ...named(...args), buckets: BUCKETS });

  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_SAMPLE_MS });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return {
    buildInfo: gauge(
      'build_info',
      '1, with the versions of the mediator and of Node.js.',
      'version',
      'node',
    ),
    allRequests: counter(
      'all_requests_total',
      'Finished requests of all VMs since the start, removed VMs included.',
      ...(['pool', 'priority', 'outcome'] as const),
    ),
    wait: histogram('request_wait_seconds', 'From admission to the device.'),
    duration: histogram('request_duration_seconds', 'From admission to the end, of all admitted.'),
    execution: histogram('device_execution_seconds', 'Of an operation on a device.', 'device'),
    queueDepth: gauge('queue_depth', 'Requests waiting for a device.', 'pool', 'priority'),
    oldestAge: gauge(
      'queue_oldest_age_seconds',
      'Age of the oldest waiting request; 0 if there is none.',
      'priority',
    ),
    deviceUp: gauge(
      'device_up',
      '1 if the device can serve, 0 if closed or out of service.',
      'device',
    ),
    poolUp: gauge('pool_up', '1 if at least one device of the pool works, else 0.', 'pool'),
    deviceBusy: counter('device_busy_seconds_total', 'Time with a request on it.', 'device'),
    deviceResets: counter('device_resets_total', 'Devices closed because they were lost or hung.'),
  };
}
