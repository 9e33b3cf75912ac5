import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VectorAdder } from '@vgpu/cuda-binding';
import type { Mediator } from '../../src/mediator.js';
import type { MediatorOptions } from '../../src/options.js';
import { FakeLogger } from './fakes.js';
import { until } from './until.js';
import { openBelow, temporaryDirectory } from './temporary-directory.js';
import { VmFiles } from './vm-files.js';

/** How many directories this process watches, as the kernel counts. */
function watches(): number {
  return readdirSync('/proc/self/fdinfo')
    .flatMap((fd) => {
      try {
        return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').split('\n');
      } catch {
        // The descriptor of the listing itself is closed by now.
        return [];
      }
    })
    .filter((text) => text.startsWith('inotify ')).length;
}

/** A host with its directories, and the mediators that a test starts on it. */
export class TestHost {
  readonly root: string;
  readonly stateDir: string;
  readonly logger = new FakeLogger();
  readonly #Mediator: new (options: MediatorOptions) => Mediator;
  readonly #mediators: Mediator[] = [];
  readonly #watchesBefore = watches();

  constructor(
    MediatorClass: new (options: MediatorOptions) => Mediator,
    base = temporaryDirectory(),
  ) {
    this.#Mediator = MediatorClass;
    this.root = join(base, 'vgpu');
    this.stateDir = join(base, 'state');
  }

  vm(id: number): VmFiles {
    return new VmFiles(this.root, id);
  }

  /** A mediator that scans often, so that tests do not wait; it is not started. */
  mediator(devices: readonly VectorAdder[], options: Partial<MediatorOptions> = {}): Mediator {
    const mediator = new this.#Mediator({
      root: this.root,
      stateDir: this.stateDir,
      devices: devices.map((device) => () => Promise.resolve(device)),
      logger: this.logger,
      pollIntervalMs: 20,
      settleMs: 20,
      ...options,
    });
    this.#mediators.push(mediator);
    return mediator;
  }

  async start(
    devices: readonly VectorAdder[],
    options: Partial<MediatorOptions> = {},
  ): Promise<Mediator> {
    const mediator = this.mediator(devices, options);
    await mediator.start();
    return mediator;
  }

  /** Stops all mediators; returns their leaked descriptors. */
  async close(): Promise<{ readonly open: string[]; readonly watches: number }> {
    await Promise.all(this.#mediators.map((mediator) => mediator.stop()));
    const open = () => [...openBelow(this.root), ...openBelow(this.stateDir)];
    // A thread closes the directory of a VM that was removed meanwhile.
    await until('all is closed', () => open().length === 0);
    return {
      open: open(),
      watches: watches() - this.#watchesBefore,
    };
  }

  /** The slots of served requests, in the order of their responses. */
  get served(): unknown[] {
    return this.logger.finished.map(({ slot }) => slot);
  }

  outcomes(): unknown[] {
    return this.logger.finished.map(({ outcome }) => outcome);
  }
}
