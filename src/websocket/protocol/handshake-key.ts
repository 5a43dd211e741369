/** 16 bytes in base64: 22 characters and `==` (RFC 6455 §4.2.1, item 5). */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/**
 * Tells whether a `Sec-WebSocket-Key` is 16 bytes in base64. Bits beyond the 16th byte are not looked at, as in every
 * server of the field: a client that leaves them set is harmless.
 */
export function isHandshakeKey(key: string | undefined): boolean {
  return key !== undefined && KEY.test(key);
}

/** The only version that exists in the wild (RFC 6455 §4.2.1, item 6). `ws` would take 8 as well. */
export const WEBSOCKET_VERSION = '13';
