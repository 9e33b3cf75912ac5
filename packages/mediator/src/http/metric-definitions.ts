import type * as Prom from 'prom-client';

/** Seconds: from 10 microseconds, which is what a sum takes, to a minute. */
const BUCKETS = [
  ...[1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
];
/** Gauges whose names are counters' by Prometheus' rules; they are the sums of others. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);
/** The event loop's delay is sampled so often, milliseconds: each time wakes an idle process. */
const LOOP_SAMPLE_MS = 100;

/** Creates every metric in a registry, also those of the process, but for those of each VM. */
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
    buildInfo: gauge('build_info', '1; which version runs, on which Node.', 'version', 'node'),
    allRequests: counter(
      'all_requests_total',
      'Requests that have left of all VMs since the start, also of those that are gone.',
      ...(['pool', 'priority', 'outcome'] as const),
    ),
    wait: histogram('request_wait_seconds', 'From admission to the device.'),
    duration: histogram('request_duration_seconds', 'From admission to the end, of all admitted.'),
    execution: histogram('device_execution_seconds', 'Of an operation on a device.', 'device'),
    queueDepth: gauge('queue_depth', 'Requests that wait for a device.', 'pool', 'priority'),
    oldestAge: gauge(
      'queue_oldest_age_seconds',
      'Since the oldest request that waits arrived; 0 if none waits.',
      'priority',
    ),
    deviceUp: gauge(
      'device_up',
      '1 if the device can serve, 0 if closed or out of service.',
      'device',
    ),
    poolUp: gauge('pool_up', '1 if a device that serves the pool works, 0 if it waits.', 'pool'),
    deviceBusy: counter('device_busy_seconds_total', 'Time with a request on it.', 'device'),
    deviceResets: counter('device_resets_total', 'Devices lost or hung, and let go for that.'),
  };
}
