import { describe, expect, it } from '@jest/globals';
import { CloseCode, isSendableCloseCode } from '../../../src/websocket/protocol/close-code.js';

describe('a close code', () => {
  it('may be sent when RFC 6455 §7.4 gives it to endpoints, libraries or applications', () => {
    const sendable: string[] = [];
    for (let code = 0, start = -1; code <= 65_536; code++) {
      if (isSendableCloseCode(code) && start === -1) start = code;
      if (!isSendableCloseCode(code) && start !== -1) {
        sendable.push(`${start}-${code - 1}`);
        start = -1;
      }
    }
    expect(sendable).toEqual(['1000-1003', '1007-1014', '3000-4999']);
  });

  it.each([-1000, 1000.5, Number.NaN, Infinity, -0, '1000' as never, undefined as never])(
    'is a whole number, not %p',
    (code) => {
      expect(isSendableCloseCode(code)).toBe(false);
    },
  );

  it('of the library is always one that may be sent', () => {
    expect(Object.values(CloseCode).filter((code) => !isSendableCloseCode(code))).toEqual([]);
  });
});
