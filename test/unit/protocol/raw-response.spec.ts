import { describe, expect, it } from '@jest/globals';
import { isHttpReply } from '../../../src/websocket/errors/http-reply.js';
import { isRawResponse } from '../../../src/websocket/protocol/raw-response.js';

describe('a raw HTTP response', () => {
  it.each([
    'HTTP/1.1 403 Forbidden\r\n\r\n',
    'HTTP/1.0 302 Found\r\nLocation: /\r\n\r\n',
    'HTTP/1.1 200 \r\n\r\nbody',
    'HTTP/1.1 500\r\nX: y\r\n\r\n',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nX-Name: Zoë\r\n\r\nno!',
    'HTTP/1.1 403 Forbidden\r\nContent-Length:4\r\n\r\nnoë',
    'HTTP/1.1 204 No Content\r\n\r\n',
  ])('is a status line, headers and a blank line: %j', (value) => {
    expect(isRawResponse(value)).toBe(true);
  });

  it.each([
    '',
    'Forbidden',
    'HTTP/1.1 403 Forbidden',
    'HTTP/1.1 403 Forbidden\r\nX: y\r\n',
    'HTTP/1.1 403 Forbidden\n\n',
    'HTTP/1.1 101 Switching Protocols\r\n\r\n',
    'HTTP/1.1 600 Odd\r\n\r\n',
    'HTTP/1.1 4030 Odd\r\n\r\n',
    'HTTP/2 403 Forbidden\r\n\r\n',
    ' HTTP/1.1 403 Forbidden\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    // A client's text in a header that ends the head, and with it the response.
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nX-Name: \r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno, and more',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 20\r\n\r\nno',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nno',
    'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 403 Forbidden\r\nX-Name: a\nSet-Cookie: b\r\n\r\n',
    'HTTP/1.1 403 Forbidden\r\n folded: line\r\n\r\n',
    'HTTP/1.1 403 Forbidden\r\nno colon\r\n\r\n',
  ])('is not %j', (value) => {
    expect(isRawResponse(value)).toBe(false);
  });
});

describe('an HTTP reply', () => {
  it.each([{ status: 200 }, { status: 599 }, { status: 403, body: undefined }])(
    'is an object with a final status: %j',
    (value) => {
      expect(isHttpReply(value)).toBe(true);
    },
  );

  it.each([
    null,
    undefined,
    403,
    '403',
    [],
    {},
    { status: 199 },
    { status: 600 },
    { status: 403.5 },
    { status: '403' },
    { status: Number.NaN },
  ])('is not %j', (value) => {
    expect(isHttpReply(value)).toBe(false);
  });
});
