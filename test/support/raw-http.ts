/** A header field as it stood on the wire: name in its own case, value trimmed. */
export type RawHeader = readonly [name: string, value: string];

/** An HTTP answer, read strictly: what is not valid HTTP/1.1 is an error, not a guess. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case; several fields of one name are joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Every field line in its order. */
  readonly rawHeaders: readonly RawHeader[];
  /** The body as UTF-8. */
  readonly body: string;
}

/** An upgrade request, right or wrong. Everything has the value of a well-behaved client as its default. */
export interface UpgradeSpec {
  /** Default `GET`. */
  readonly method?: string;
  /** The request target, byte for byte. Default `/`. */
  readonly path?: string;
  /** Default `1.1`. */
  readonly httpVersion?: string;
  /** `Sec-WebSocket-Key`. Default: that of RFC 6455 §1.3, whose answer is `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`. */
  readonly key?: string;
  /** Replaces a default header of the same name in whatever case; `undefined` leaves it out; a list gives several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
}

const RFC_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
export const RFC_ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** Builds the head of an upgrade request (RFC 6455 §4.1). */
export function upgradeRequest(spec: UpgradeSpec = {}): string {
  const fields = new Map<string, readonly [string, string | readonly string[] | undefined]>();
  const set = (name: string, value: string | readonly string[] | undefined): unknown =>
    fields.set(name.toLowerCase(), [name, value]);
  set('Host', '127.0.0.1');
  set('Upgrade', 'websocket');
  set('Connection', 'Upgrade');
  set('Sec-WebSocket-Key', spec.key ?? RFC_KEY);
  set('Sec-WebSocket-Version', '13');
  for (const [name, value] of Object.entries(spec.headers ?? {})) set(name, value);
  const lines = [`${spec.method ?? 'GET'} ${spec.path ?? '/'} HTTP/${spec.httpVersion ?? '1.1'}`];
  for (const [name, value] of fields.values()) {
    for (const item of [value].flat()) if (item !== undefined) lines.push(`${name}: ${item}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/**
 * Reads the first HTTP answer of some bytes; `undefined` while it is incomplete. `ended` says that no byte can follow,
 * which completes a body without a length; `toHead` that there is none, whatever the fields say of it (RFC 9110 §9.3.2).
 *
 * @throws SyntaxError if the bytes are not an HTTP answer.
 */
export function parseAnswer(
  bytes: Buffer,
  ended: boolean,
  toHead = false,
): { readonly value: HttpAnswer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [statusLine = '', ...fieldLines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [, digits, statusText = ''] = /^HTTP\/1\.[01] (\d{3}) (.*)$/.exec(statusLine) ?? [];
  if (digits === undefined) throw new SyntaxError(`Not a status line: ${JSON.stringify(statusLine)}`);
  const status = Number(digits);
  const rawHeaders = fieldLines.map(parseField);
  const headers: Record<string, string> = {};
  for (const [name, value] of rawHeaders) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  const body = toHead ? NO_BODY : parseBody(bytes.subarray(headEnd + 4), status, headers, ended);
  if (!body) return undefined;
  const length = headEnd + 4 + body.length;
  return { length, value: { status, statusText, headers, rawHeaders, body: body.value.toString('utf8') } };
}

const NO_BODY = { value: Buffer.alloc(0), length: 0 };

function parseField(line: string): RawHeader {
  const [, name, value = ''] = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
  if (name === undefined) throw new SyntaxError(`Not a header field: ${JSON.stringify(line)}`);
  return [name, value];
}

/** RFC 9112 §6.3: which bytes after the head belong to this answer. */
function parseBody(
  rest: Buffer,
  status: number,
  headers: Readonly<Record<string, string>>,
  ended: boolean,
): { readonly value: Buffer; readonly length: number } | undefined {
  if (status < 200 || status === 204 || status === 304) return NO_BODY;
  if (headers['transfer-encoding'] === 'chunked') return parseChunks(rest);
  const declared = headers['content-length'];
  if (declared === undefined) return ended ? { value: rest, length: rest.length } : undefined;
  if (!/^\d+$/.test(declared)) throw new SyntaxError(`Not a content length: ${declared}`);
  const length = Number(declared);
  return rest.length < length ? undefined : { value: rest.subarray(0, length), length };
}

function parseChunks(rest: Buffer): { readonly value: Buffer; readonly length: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ;) {
    const lineEnd = rest.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const line = rest.toString('latin1', at, lineEnd);
    if (!/^[\da-f]+$/i.test(line)) throw new SyntaxError(`Not a chunk size: ${JSON.stringify(line)}`);
    const start = lineEnd + 2;
    const end = start + Number.parseInt(line, 16);
    if (rest.length < end + 2) return undefined;
    if (end === start) return { value: Buffer.concat(chunks), length: end + 2 };
    chunks.push(rest.subarray(start, end));
    at = end + 2;
  }
}
