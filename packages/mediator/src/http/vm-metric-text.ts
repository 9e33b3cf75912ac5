import type { VmOverview } from '../telemetry/snapshot.js';

/** Characters that are made bytes, and sent, in one go. */
const MAX_PART = 65_536;

/** A metric with a series, or several, for each VM, as Prometheus' text format has it. */
export interface VmMetric {
  readonly name: string;
  readonly help: string;
  /** The series of a VM: labels besides `vm`, as they are written, and values. */
  readonly seriesOf: (vm: VmOverview) => Iterable<readonly [labels: string, value: number]>;
}

/** The text of a metric of VMs, to which one VM after the other is added. */
export class VmMetricText {
  readonly #metric: VmMetric;
  readonly #parts: Buffer[] = [];
  #text: string;

  constructor(metric: VmMetric) {
    this.#metric = metric;
    const { name, help } = metric;
    this.#text = `# HELP ${name} ${help}\n# TYPE ${name} counter\n`;
  }

  add(vm: VmOverview): void {
    const start = `${this.#metric.name}{vm="${vm.vm}"`;
    for (const [labels, value] of this.#metric.seriesOf(vm)) {
      this.#text += `${start}${labels}} ${value}\n`;
    }
    if (this.#text.length >= MAX_PART) this.#flush();
  }

  /** All of it, to be joined. */
  bytes(): readonly Buffer[] {
    this.#flush();
    return this.#parts;
  }

  #flush(): void {
    this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
