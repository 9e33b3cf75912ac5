import type { Logger } from './logger.js';
import { TokenBucket, type RateLimit } from '../intake/token-bucket.js';
import { VmBuckets } from '../intake/vm-buckets.js';

/** Lines about one VM. */
const LIMIT: RateLimit = { perSecond: 10, burst: 200 };

class Voice extends TokenBucket {
  suppressed = 0;
}

/**
 * Passes on so many lines about each VM, above debug, and counts the rest: `suppressed` in the next
 * line about it. For what a VM can cause without having a request computed; it could fill the disk.
 */
export class LimitedLogger implements Logger {
  readonly #logger: Logger;
  readonly #voices = new VmBuckets(() => new Voice());

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  debug(message: string, fields?: object): void {
    this.#logger.debug(message, fields);
  }

  info(message: string, fields?: object): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: object): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: object): void {
    this.#write('error', message, fields);
  }

  #write(level: 'info' | 'warn' | 'error', message: string, fields: { vm?: unknown } = {}): void {
    const { vm } = fields;
    if (typeof vm !== 'number') {
      this.#logger[level](message, fields);
      return;
    }
    const nowMs = performance.now();
    const voice = this.#voices.of(vm, nowMs);
    if (voice.take(LIMIT, nowMs) > 0) {
      voice.suppressed += 1;
      return;
    }
    const { suppressed } = voice;
    voice.suppressed = 0;
    this.#logger[level](message, { ...fields, ...(suppressed > 0 && { suppressed }) });
  }
}
