import { clientOf } from '../../limits/connection-limits.js';
import { SharedBuckets } from '../../limits/shared-buckets.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import type { RequestContext } from '../../request/request-context.js';

const SECONDS_PER_MINUTE = 60;
const MS_PER_SECOND = 1_000;

/** Handshakes that each address may begin, before any code of the application runs for them. */
export class HandshakeRate {
  readonly #buckets = new SharedBuckets();

  constructor(private readonly perMinute: number) {}

  /** @throws UpgradeRefusedError 429, with the time until the next one is taken. */
  check(context: RequestContext): void {
    const client = clientOf(context);
    // An address that is not known is not one client.
    if (client === undefined) return;
    const now = performance.now();
    const bucket = this.#buckets.get(client, this.perMinute / SECONDS_PER_MINUTE, this.perMinute, now);
    if (bucket.take(now)) return;
    throw new UpgradeRefusedError('too many connections', 'too many connections', {
      status: 429,
      headers: { 'Retry-After': String(Math.ceil(bucket.waitMs / MS_PER_SECOND)) },
    });
  }
}
