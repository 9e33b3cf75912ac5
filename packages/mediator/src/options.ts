import type { VectorAdder } from '@vgpu/cuda-binding';
import type { MediatorSettings } from './settings.js';
import type { Logger } from './telemetry/logger.js';

/** What a `Mediator` is made with; absent settings are those of {@link DEFAULT_SETTINGS}. */
export interface MediatorOptions extends Partial<MediatorSettings> {
  /** The directory that holds one directory for each VM; created if it does not exist. */
  readonly root: string;
  /** The mediator's own directory, which no VM may reach; created if it does not exist. */
  readonly stateDir: string;
  /** A function for each device that opens it. */
  readonly devices: readonly (() => Promise<VectorAdder>)[];
  /**
   * The devices' own numbers, in the same order, for snapshots and logs of devices that are not
   * open yet. Default: unknown until then.
   */
  readonly deviceNumbers?: readonly number[];
  /**
   * Gets messages with fields such as `vm` and `slot`; the number of lines that a VM can cause is
   * limited.
   */
  readonly logger: Logger;
}
