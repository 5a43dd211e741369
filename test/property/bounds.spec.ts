import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Account, ByteLedger } from '../../src/websocket/limits/byte-ledger.js';
import { ConnectionLimits, tooMany, type Place } from '../../src/websocket/limits/connection-limits.js';
import { Inbox } from '../../src/websocket/connection/inbox.js';
import type { RequestContext } from '../../src/websocket/request/request-context.js';
import { TokenBucket } from '../../src/websocket/limits/token-bucket.js';

describe('TokenBucket', () => {
  it('lets through at most the burst and the rate, in any stretch of time', () => {
    const gaps = fc.array(fc.double({ min: 0, max: 400, noNaN: true }), { minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), gaps, (perSecond, all) => {
        let now = 1000;
        const bucket = new TokenBucket(perSecond, now);
        const passed: number[] = [];
        for (const gap of all) {
          now += gap;
          if (bucket.take(now)) passed.push(now);
        }
        passed.forEach((from, first) =>
          passed.slice(first).forEach((to, more) => {
            expect(more + 1).toBeLessThanOrEqual(perSecond + ((to - from) / 1000) * perSecond + 1e-6);
          }),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('never refuses who keeps to the rate', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 1, max: 500 }), (perSecond, count) => {
        const bucket = new TokenBucket(perSecond, 0);
        for (let taken = 0; taken < count; taken++) expect(bucket.take((taken * 1000) / perSecond)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});

describe('Inbox', () => {
  const limits = { maxPendingMessages: 5, maxPendingBytes: 2000 };
  const quiet = { settle: () => undefined, giveUp: () => undefined };
  const operation = fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.uint8Array({ maxLength: 500 }), isBinary: fc.boolean() }) },
    { weight: 4, arbitrary: fc.constant('shift' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  );

  it('is a queue whose bytes and fill are those of what is in it, and the ledger has the sum of all', () => {
    const steps = fc.array(fc.record({ which: fc.nat({ max: 2 }), operation }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const ledger = new ByteLedger(1_000_000);
        const inboxes = Array.from({ length: 3 }, () => ({
          inbox: new Inbox(limits, new Account(ledger, quiet)),
          model: [] as Buffer[],
        }));
        for (const step of all) {
          const { inbox, model } = inboxes[step.which] as (typeof inboxes)[number];
          if (step.operation === 'clear') {
            inbox.clear();
            model.length = 0;
          } else if (step.operation === 'shift') {
            const [message, expected] = [inbox.shift(), model.shift()];
            expect(message === undefined ? undefined : Buffer.from(message.data)).toEqual(
              expected && message?.isBinary === false ? Buffer.from(expected.toString()) : expected,
            );
          } else {
            const bytes = Buffer.from(step.operation.push);
            inbox.push(bytes, step.operation.isBinary);
            model.push(bytes);
          }
          expect(inbox.length).toBe(model.length);
          expect(inbox.queuedBytes).toBeGreaterThanOrEqual(model.reduce((sum, { length }) => sum + length, 0));
          expect(inbox.isFull).toBe(model.length >= 5 || inbox.queuedBytes >= 2000);
          if (inbox.isHalfEmpty) expect(inbox.isFull).toBe(false);
          expect(ledger.total).toBe(inboxes.reduce((sum, { inbox: { queuedBytes } }) => sum + queuedBytes, 0));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('keeps nothing of a large read alive for a small binary message', () => {
    const inbox = new Inbox(limits, new Account(new ByteLedger(1_000_000), quiet));
    inbox.push(Buffer.alloc(65_536).subarray(10, 20), true);
    const { data } = inbox.shift() ?? {};
    expect(data instanceof Buffer && data.buffer.byteLength).toBeLessThan(65_536);
  });
});

describe('ConnectionLimits', () => {
  it('counts exactly the places that are taken, in any order, and never more than the limits', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          take: fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'),
          user: fc.constantFrom('a', 'b', undefined),
        }),
        fc.record({ release: fc.nat({ max: 20 }) }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const given = { maxConnections: 6, maxConnectionsPerIp: 3, maxConnectionsPerUser: 2 };
        const limits = new ConnectionLimits(given, ({ user }) => user as string | undefined);
        const held: { place: Place; ip: string; user: string | undefined }[] = [];
        const count = (same: (one: (typeof held)[number]) => boolean): number => held.filter(same).length;
        for (const step of all) {
          if ('release' in step) {
            const [one] = held.splice(step.release, 1);
            one?.place.release();
            one?.place.release();
          } else {
            const { take: ip, user } = step;
            const context = { ip, user } as unknown as RequestContext;
            const isFree = held.length < 6 && count((one) => one.ip === ip) < 3;
            const isUserFree = user === undefined || count((one) => one.user === user) < 2;
            let place: Place | undefined;
            try {
              place = limits.take(context);
              if (!place.identify(context)) throw tooMany();
              held.push({ place, ip, user });
            } catch (error) {
              place?.release();
              expect(error).toMatchObject({ error: 'too many connections' });
              expect(isFree && isUserFree).toBe(false);
              continue;
            }
            expect(isFree && isUserFree).toBe(true);
          }
          expect(limits.total).toBe(held.length);
        }
      }),
      { numRuns: 100 },
    );
  });
});
