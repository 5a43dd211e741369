import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isHandshakeKey } from '../../../src/websocket/protocol/handshake-key.js';

describe('a handshake key', () => {
  it('is any 16 bytes in base64 (RFC 6455 §4.1, item 7)', () => {
    const keys = Array.from({ length: 100 }, () => randomBytes(16).toString('base64'));
    expect(keys.filter((key) => !isHandshakeKey(key))).toEqual([]);
    expect(isHandshakeKey('dGhlIHNhbXBsZSBub25jZQ==')).toBe(true);
  });

  it.each<[string, string | undefined]>([
    ['nothing', undefined],
    ['an empty text', ''],
    ['15 bytes', Buffer.alloc(15).toString('base64')],
    ['17 bytes', Buffer.alloc(17).toString('base64')],
    ['16 bytes without padding', 'dGhlIHNhbXBsZSBub25jZQ'],
    ['16 bytes in base64url', 'dGhlIHNhbXBsZSBub25j_-=='],
    ['a line break behind it', 'dGhlIHNhbXBsZSBub25jZQ==\n'],
    ['two keys', 'dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=='],
  ])('is not %s', (_what, key) => {
    expect(isHandshakeKey(key)).toBe(false);
  });
});
