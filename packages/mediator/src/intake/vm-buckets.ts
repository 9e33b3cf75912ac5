import type { TokenBucket } from './token-bucket.js';

/** With fewer it is not worth the time to look for those that can go. */
const MIN_PRUNED = 1024;

/**
 * A bucket for each VM. One that is full again is like a new one, and is let go: what is kept grows with
 * the VMs that have used theirs lately, not with those that there have ever been.
 */
export class VmBuckets<B extends TokenBucket> {
  readonly #create: () => B;
  readonly #buckets = new Map<number, B>();
  #pruneAt = MIN_PRUNED;

  constructor(create: () => B) {
    this.#create = create;
  }

  /** Those that are kept. */
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
    // So each bucket is looked at a few times at most.
    this.#pruneAt = Math.max(MIN_PRUNED, 2 * this.#buckets.size);
  }
}
