import type { VmOverview } from '../telemetry/snapshot.js';

/** Characters that are encoded and sent together. */
const MAX_PART = 65_536;

/** A metric with one or more series for each VM, in Prometheus' text format. */
export interface VmMetric {
  readonly name: string;
  readonly help: string;
  /** The series of a VM: labels besides `vm`, in the text format, and values. */
  readonly seriesOf: (vm: VmOverview) => Iterable<readonly [labels: string, value: number]>;
}

/** Builds the text of a metric, one VM after the other. */
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

  /** The text, in parts. */
  bytes(): readonly Buffer[] {
    this.#flush();
    return this.#parts;
  }

  #flush(): void {
    this.#parts.push(Buffer.from(this.#text));
    this.#text = '';
  }
}
