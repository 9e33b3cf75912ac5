import type { TokenBucket } from './token-bucket.js';

/** With fewer buckets, searching for full ones is not worth the time. */
const MIN_PRUNED = 1024;

/**
 * A bucket for each VM. A bucket that is full again equals a new one, and is dropped: the number of buckets
 * grows with the VMs that were active lately, not with all VMs that ever existed.
 */
export class VmBuckets<B extends TokenBucket> {
  readonly #create: () => B;
  readonly #buckets = new Map<number, B>();
  #pruneAt = MIN_PRUNED;

  constructor(create: () => B) {
    this.#create = create;
  }

  /** Number of buckets that are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  /** @param nowMs As for {@link TokenBucket}. */
  of(vm: number, nowMs: number): B {
    const known = this.#buckets.get(vm);
    if (known !== undefined) return known;
    if (this.#buckets.size >= this.#pruneAt) this.#prune(nowMs);
    const bucket = this.#create();
    this.#buckets.set(vm, bucket);
    return bucket;
  }

  #prune(nowMs: number): void {
    for (const [vm, bucket] of this.#buckets) if (bucket.isFull(nowMs)) this.#buckets.delete(vm);
    // So each bucket is checked a few times at most.
    this.#pruneAt = Math.max(MIN_PRUNED, 2 * this.#buckets.size);
  }
}
