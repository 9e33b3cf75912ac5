import type { Logger } from './logger.js';
import { TokenBucket, type RateLimit } from '../intake/token-bucket.js';
import { VmBuckets } from '../intake/vm-buckets.js';

/** The rate of lines about one VM. */
const LIMIT: RateLimit = { perSecond: 10, burst: 200 };

/** The lines that one VM may still cause, and the number of suppressed ones. */
class LogBudget extends TokenBucket {
  suppressed = 0;
}

/**
 * Passes on a limited number of lines about each VM, above debug, and counts the rest: `suppressed`
 * in the next line about the VM. For events that a VM can cause without a computed request, and
 * with which it could fill the disk.
 */
export class LimitedLogger implements Logger {
  readonly #logger: Logger;
  readonly #budgets = new VmBuckets(() => new LogBudget());

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
    const budget = this.#budgets.of(vm, nowMs);
    if (budget.take(LIMIT, nowMs) > 0) {
      budget.suppressed += 1;
      return;
    }
    const { suppressed } = budget;
    budget.suppressed = 0;
    this.#logger[level](message, { ...fields, ...(suppressed > 0 && { suppressed }) });
  }
}
