import { describe, expect, it } from '@jest/globals';
import { Outbox } from '../../../src/websocket/connection/outbox.js';
import { OutboxOverflowError } from '../../../src/websocket/errors/plack-websocket.error.js';
import { ByteLedger } from '../../../src/websocket/limits/byte-ledger.js';
import type { OutboxLimits } from '../../../src/websocket/limits/limits.options.js';
import { MemoryTransport } from '../../property/support/memory-transport.js';

/** A transport whose peer reads when the test says so. */
class SlowTransport extends MemoryTransport {
  /** What leaves when the system is offered what is held back. */
  heldBack = 0;

  override flush(): void {
    this.bufferedBytes -= this.heldBack;
    this.heldBack = 0;
  }
}

const KIB = 1_024;

function outboxOf(limits: Partial<OutboxLimits> = {}): [Outbox, SlowTransport] {
  const transport = new SlowTransport();
  const ledger = new ByteLedger(100_000 * KIB);
  const outbox = new Outbox(transport, { maxBufferedBytes: 100 * KIB, overflow: 'close', ...limits }, ledger);
  return [outbox, transport];
}

describe('an outbox', () => {
  it('takes one message of any size while nothing waits', () => {
    const [outbox] = outboxOf();
    expect(outbox.accepts('x'.repeat(10_000 * KIB))).toBe('send');
  });

  it('takes what fits behind what waits, to the byte', () => {
    const [outbox, transport] = outboxOf();
    transport.bufferedBytes = 40 * KIB;
    expect(outbox.accepts(Buffer.alloc(60 * KIB))).toBe('send');
    expect(outbox.accepts(Buffer.alloc(60 * KIB + 1))).toBeInstanceOf(OutboxOverflowError);
  });

  it('counts text by its bytes', () => {
    const [outbox, transport] = outboxOf();
    transport.bufferedBytes = 40 * KIB;
    expect(outbox.accepts('x'.repeat(60 * KIB))).toBe('send');
    expect(outbox.accepts('€'.repeat(20 * KIB))).toBe('send');
    expect(outbox.accepts('€'.repeat(20 * KIB + 1))).toBeInstanceOf(OutboxOverflowError);
  });

  it('says how much would wait and which limit that exceeds', () => {
    const [outbox, transport] = outboxOf();
    transport.bufferedBytes = 90 * KIB;
    expect(outbox.accepts(Buffer.alloc(20 * KIB))).toMatchObject({
      code: 'outbox_full',
      limit: 'maxBufferedBytes',
      message: expect.stringContaining(String(110 * KIB)),
    });
  });

  it('counts what each write costs beside its bytes', () => {
    const [outbox, transport] = outboxOf();
    transport.bufferedBytes = 40 * KIB;
    transport.overheadBytes = 20 * KIB;
    expect(outbox.accepts(Buffer.alloc(40 * KIB))).toBe('send');
    expect(outbox.accepts(Buffer.alloc(40 * KIB + 1))).toBeInstanceOf(OutboxOverflowError);
  });

  it('finds an excess that came by another way, and none in one large message of its own', () => {
    const [outbox, transport] = outboxOf();
    expect(outbox.accepts(Buffer.alloc(300 * KIB))).toBe('send');
    transport.bufferedBytes = 400 * KIB;
    expect(outbox.excess).toBeUndefined();
    transport.bufferedBytes = 401 * KIB;
    expect(outbox.excess).toMatchObject({ limit: 'maxBufferedBytes', bufferedBytes: 401 * KIB });
    transport.bufferedBytes = 0;
    expect(outbox.excess).toBeUndefined();
    transport.bufferedBytes = 101 * KIB;
    expect(outbox.excess).toMatchObject({ bufferedBytes: 101 * KIB });
  });

  it('leaves the message out instead where the overflow is dropped', () => {
    const [outbox, transport] = outboxOf({ overflow: 'drop' });
    transport.bufferedBytes = 90 * KIB;
    expect([outbox.accepts(Buffer.alloc(20 * KIB)), outbox.accepts(Buffer.alloc(KIB))]).toEqual(['drop', 'send']);
  });

  it('offers the system what is only held back before it takes a peer for slow', () => {
    const [outbox, transport] = outboxOf();
    transport.bufferedBytes = 90 * KIB;
    transport.heldBack = 90 * KIB;
    expect(outbox.accepts(Buffer.alloc(200 * KIB))).toBe('send');
    transport.bufferedBytes = 90 * KIB;
    transport.heldBack = 50 * KIB;
    expect(outbox.accepts(Buffer.alloc(50 * KIB))).toBe('send');
    expect(transport.bufferedBytes).toBe(40 * KIB);
  });
});

describe('sendAndTell', () => {
  it('is true once the socket took the bytes', async () => {
    const [outbox, transport] = outboxOf();
    expect(await outbox.sendAndTell('hello')).toBe(true);
    expect(transport.sent).toEqual(['hello']);
  });

  it('is false when the connection is cut before', async () => {
    const [outbox, transport] = outboxOf();
    const told = outbox.sendAndTell('hello');
    transport.cut();
    expect(await told).toBe(false);
  });
});
