import type { VectorAdder } from '@vgpu/cuda-binding';
import type { MediatorSettings } from './settings.js';
import type { Logger } from './telemetry/logger.js';

/** What a `Mediator` is made with; a setting that is absent is that of {@link DEFAULT_SETTINGS}. */
export interface MediatorOptions extends Partial<MediatorSettings> {
  /** The directory that holds one directory for each VM; created if there is none. */
  readonly root: string;
  /** The mediator's own directory, which no VM may reach; created if there is none. */
  readonly stateDir: string;
  /** One function for each device, which opens it. */
  readonly devices: readonly (() => Promise<VectorAdder>)[];
  /**
   * Their own numbers, in the same order: what snapshots and logs call a device that could not be opened
   * yet. Default: not known before that.
   */
  readonly deviceNumbers?: readonly number[];
  /** Told what happens, with fields such as `vm` and `slot`; what a VM causes is limited in number. */
  readonly logger: Logger;
}
