import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shareHeaderText } from '../../src/websocket/adapter/http/shared-header-text.js';

const line = fc.tuple(
  fc.constantFrom('Host', 'host', 'Upgrade', 'Cookie', 'Authorization', 'User-Agent', 'X-Own', '', 'N'.repeat(70)),
  fc.constantFrom('a', 'b', 'secret', 'websocket', '', 'v'.repeat(300)),
);

describe('sharing the text of headers', () => {
  it('changes no text, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(fc.array(line, { maxLength: 40 }), { maxLength: 20 }), (requests) => {
        for (const lines of requests) {
          const rawHeaders = lines.flat();
          shareHeaderText(rawHeaders);
          expect(rawHeaders).toEqual(lines.flat());
        }
      }),
    );
  });

  it('leaves a name without a value as it is', () => {
    const rawHeaders = ['Host', 'a', 'odd'];
    shareHeaderText(rawHeaders);
    expect(rawHeaders).toEqual(['Host', 'a', 'odd']);
  });
});
