import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isHttpReply, type HttpReply } from '../../errors/http-reply.js';
import { isFieldValue, isToken } from '../../protocol/header.js';

/**
 * Time a refused client has to read its answer and to close, in milliseconds. Destroying a socket that still receives
 * makes the operating system send a reset, and a reset takes the answer away from the client.
 */
const LINGER_MS = 1_000;

/** Headers that say how the answer is framed; only we know, and a wrong one would split it. */
const FRAMING_HEADERS = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive', 'trailer']);

/** Headers of an HTTP/1.1 connection that an answer may have there; `FRAMING_HEADERS` are in no answer. */
const CONNECTION_HEADERS = new Set(['upgrade', 'proxy-connection', 'http2-settings', 'te']);

/** An HTTP answer, checked and ready to be written. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * Turns a reply into an answer that cannot break the protocol.
 * @throws TypeError for a header name or value that would break the header section, or a body that JSON cannot carry.
 */
export function toAnswer(reply: HttpReply): HttpAnswer {
  const headers: (readonly [string, string])[] = [];
  let contentType: string | undefined;
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    const lower = name.toLowerCase();
    if (FRAMING_HEADERS.has(lower)) continue;
    if (lower === 'content-type') contentType = String(value);
    for (const line of Array.isArray(value) ? (value as readonly string[]) : [String(value)]) {
      if (!isToken(name) || !isFieldValue(line))
        throw new TypeError(`The header ${JSON.stringify(name)} cannot be sent.`);
      headers.push([name, line]);
    }
  }
  if (!isHttpReply(reply))
    throw new TypeError(`${String((reply as HttpReply).status)} is not a status of an HTTP answer.`);
  const { body, type } = hasNoContent(reply.status) ? NO_CONTENT : encodeBody(reply.body);
  if (contentType === undefined && type !== undefined) headers.push(['Content-Type', type]);
  return { status: reply.status, headers, body };
}

/**
 * Answers through Node's response object. Does nothing when something has answered before or the client has left.
 * From HTTP/2 on a header that belongs to one connection is an error (RFC 9113 §8.2.2), so those are left out.
 */
export function respondWith(response: ServerResponse, httpVersionMajor: number, answer: HttpAnswer): void {
  if (response.headersSent || response.destroyed || response.writableEnded) return;
  response.statusCode = answer.status;
  for (const [name, value] of answer.headers) {
    if (httpVersionMajor < 2 || !CONNECTION_HEADERS.has(name.toLowerCase())) response.appendHeader(name, value);
  }
  response.end(answer.body);
}

/** Writes one complete HTTP/1.1 answer and ends the socket; the client may vanish at any moment without harm. */
export function writeAnswer(socket: Duplex, { status, headers, body }: HttpAnswer): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`];
  for (const [name, value] of headers) lines.push(`${name}: ${value}`);
  lines.push('Connection: close');
  if (!hasNoContent(status)) lines.push(`Content-Length: ${body.length}`);
  lines.push('', '');
  endSocket(socket, Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body]));
}

/** Writes a complete HTTP response that the application made itself, as it is. */
export function writeRawAnswer(socket: Duplex, response: string): void {
  endSocket(socket, Buffer.from(response, 'utf8'));
}

const NO_CONTENT: { body: Buffer; type: string | undefined } = { body: Buffer.alloc(0), type: undefined };

/** RFC 9110 §15.3.5, §15.4.5: bytes that follow the head would be taken for the next answer. */
function hasNoContent(status: number): boolean {
  return status === 204 || status === 304;
}

/** Ends a socket behind `bytes`, or behind what was written already, and destroys it soon after. */
export function endSocket(socket: Duplex, bytes?: Buffer): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  // Reading goes on, or the end of the client would never be noticed; what it still sends is of no interest.
  socket.resume();
  socket.end(bytes);
}

function encodeBody(body: unknown): { body: Buffer; type: string | undefined } {
  if (body === undefined || body === null) return { body: Buffer.alloc(0), type: undefined };
  if (typeof body === 'string') return { body: Buffer.from(body), type: 'text/plain; charset=utf-8' };
  if (body instanceof Uint8Array) return { body: Buffer.from(body), type: 'application/octet-stream' };
  return { body: Buffer.from(JSON.stringify(body)), type: 'application/json; charset=utf-8' };
}
