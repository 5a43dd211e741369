/** A plain HTTP answer to an upgrade: what a handshake hook or `onError` returns to refuse. */
export interface HttpReply {
  /** HTTP status, a whole number of 200 to 599; has no default. */
  readonly status: number;
  /** Header fields; a list gives one line per value. `Connection` and `Content-Length` are always ours. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
  /** Text and bytes go out as they are, anything else as JSON; absent means an empty body. */
  readonly body?: unknown;
}

/** Tells whether a value is meant as an {@link HttpReply}: an object with an integer `status` of 200 to 599. */
export function isHttpReply(value: unknown): value is HttpReply {
  return (
    typeof value === 'object' &&
    value !== null &&
    'status' in value &&
    typeof value.status === 'number' &&
    Number.isInteger(value.status) &&
    value.status >= 200 &&
    value.status <= 599
  );
}
