import { describe, expect, it } from '@jest/globals';
import { EarlyBytes } from '../../../../src/websocket/lifecycle/upgrade/early-bytes.js';

describe('bytes that come ahead of the answer to an upgrade', () => {
  it('are what came with it, as it is, while nothing follows', () => {
    const first = Buffer.from('first');
    expect(new EarlyBytes(first).bytes).toBe(first);
  });

  it('keep their order, and hold none of the chunks in which they came', () => {
    const early = new EarlyBytes(Buffer.from('first'));
    const chunks = Array.from({ length: 3_000 }, (_, i) => Buffer.from([i % 256]));
    for (const chunk of chunks) early.keep(chunk);
    expect(early.bytes.equals(Buffer.concat([Buffer.from('first'), ...chunks]))).toBe(true);
    expect(early.bytes.buffer.byteLength).toBeLessThan(2 * early.bytes.length + 512);
    for (const chunk of chunks) chunk.fill(0);
    expect(early.bytes[5 + 255]).toBe(255);
  });

  it('tell when reading has to stop', () => {
    const early = new EarlyBytes(Buffer.alloc(1));
    expect(early.keep(Buffer.alloc(65_534))).toBe(false);
    expect(early.keep(Buffer.alloc(1))).toBe(true);
  });
});
