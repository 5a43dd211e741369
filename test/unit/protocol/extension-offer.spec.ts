import { describe, expect, it } from '@jest/globals';
import { acceptableDeflateOffer, isExtensionList } from '../../../src/websocket/protocol/extension-offer.js';

describe('isExtensionList', () => {
  it.each([
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'a, b; c=1; d="2"',
    ' a ; b = c ',
    'x-webkit-deflate-frame',
  ])('takes %j (RFC 6455 §9.1)', (header) => {
    expect(isExtensionList(header)).toBe(true);
  });

  it.each(['', ',', 'a,', 'a;', 'a b', 'a; b c', 'a; b=', 'a; b="c d"', 'a; b="c', 'a; =1', '"a"'])(
    'refuses %j',
    (header) => {
      expect(isExtensionList(header)).toBe(false);
    },
  );
});

describe('acceptableDeflateOffer', () => {
  it.each<[string, string | undefined]>([
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate; client_max_window_bits'],
    ['permessage-deflate; server_max_window_bits="10"', 'permessage-deflate; server_max_window_bits=10'],
    [
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
      'permessage-deflate; server_no_context_takeover; client_no_context_takeover',
    ],
    ['other, permessage-deflate', 'permessage-deflate'],
    ['x-webkit-deflate-frame', undefined],
    ['not a list', undefined],
  ])('of %j is %j', (header, offer) => {
    expect(acceptableDeflateOffer(header)).toBe(offer);
  });

  it.each([
    'unknown',
    'server_max_window_bits',
    'server_max_window_bits=7',
    'server_max_window_bits=16',
    'server_max_window_bits=08',
    'client_max_window_bits=x',
    'server_no_context_takeover=1',
    'client_max_window_bits; client_max_window_bits=10',
    'constructor',
  ])('declines the parameters "%s" and takes the next offer (RFC 7692 §7.1)', (parameters) => {
    const header = `permessage-deflate; ${parameters}, permessage-deflate; client_max_window_bits=15`;
    expect(acceptableDeflateOffer(header)).toBe('permessage-deflate; client_max_window_bits=15');
    expect(acceptableDeflateOffer(`permessage-deflate; ${parameters}`)).toBeUndefined();
  });
});
