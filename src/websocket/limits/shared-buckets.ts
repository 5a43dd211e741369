import { TokenBucket } from './token-bucket.js';

/** Buckets of one generation at most; more begin the next one early, and forget who has been idle the longest. */
const MAX_BUCKETS = 65_536;

/**
 * Buckets that several connections take from, by a key. One that was left alone for as long as it takes to fill is like a new
 * one, so it is forgotten: two generations, of which the older goes when the newer has lasted that long.
 */
export class SharedBuckets {
  #new = new Map<string, TokenBucket>();
  #old = new Map<string, TokenBucket>();
  #beganAtMs = 0;
  /** How long the slowest of them takes to fill. */
  #fillMs = 0;

  /** Buckets that are kept. */
  get size(): number {
    return this.#new.size + this.#old.size;
  }

  /** The bucket of a key; made full where it is not known. */
  get(key: string, perSecond: number, burst: number, nowMs: number): TokenBucket {
    this.#fillMs = Math.max(this.#fillMs, (burst / perSecond) * 1000);
    if (nowMs - this.#beganAtMs > this.#fillMs || this.#new.size >= MAX_BUCKETS) this.#begin(nowMs);
    const known = this.#new.get(key);
    if (known !== undefined) return known;
    const bucket = this.#old.get(key) ?? new TokenBucket(perSecond, nowMs, burst);
    this.#old.delete(key);
    this.#new.set(key, bucket);
    return bucket;
  }

  #begin(nowMs: number): void {
    this.#old = this.#new;
    this.#new = new Map();
    this.#beganAtMs = nowMs;
  }
}
