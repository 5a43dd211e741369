/**
 * Why an upgrade was not answered with 101. The strings of the originals where they had one.
 *
 * `'not supported by the server'` is reserved for servers without a raw socket; such a server that is known when the
 * application starts is a `ConfigurationError` instead.
 */
export type UpgradeErrorName =
  | 'invalid request'
  | 'not supported by the server'
  | 'upgrade required'
  | 'method not allowed'
  | 'unauthorized'
  | 'forbidden'
  | 'forbidden origin'
  | 'misdirected request'
  | 'not found'
  | 'handshake timeout'
  | 'too many connections'
  | 'not accepting'
  | 'internal error';

/** What the peer gets for one upgrade error by default. */
export interface UpgradeErrorRow {
  /** HTTP status of the default answer. */
  readonly status: number;
  /**
   * Headers that the status demands (RFC 9110 §15.5.6, §15.5.22; RFC 6455 §4.4). `Retry-After` is sent as 2 to 9 seconds,
   * at random, so that the clients do not all come back at once; the value here stands for that.
   */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The one table of upgrade errors: name, status and headers of the default answer. A limit per address or per user
 * answers `too many connections` with 429.
 */
export const UPGRADE_ERRORS: Readonly<Record<UpgradeErrorName, UpgradeErrorRow>> = {
  'invalid request': { status: 400 },
  'not supported by the server': { status: 500 },
  'upgrade required': { status: 426, headers: { Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' } },
  'method not allowed': { status: 405, headers: { Allow: 'GET' } },
  unauthorized: { status: 401 },
  forbidden: { status: 403 },
  'forbidden origin': { status: 403 },
  'misdirected request': { status: 421 },
  'not found': { status: 404 },
  'handshake timeout': { status: 408 },
  'too many connections': { status: 503, headers: { 'Retry-After': '5' } },
  'not accepting': { status: 503, headers: { 'Retry-After': '5' } },
  'internal error': { status: 500 },
};
