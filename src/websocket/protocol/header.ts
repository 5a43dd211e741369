/** `token` of RFC 9110 §5.6.2: what a header name, a subprotocol and a cookie name are made of. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** `field-value` of RFC 9110 §5.5, without the bytes that could end a header line. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isToken(value: string): boolean {
  return TOKEN.test(value);
}

/** Tells whether a string can be part of a header line. CR, LF, NUL and characters beyond Latin-1 cannot. */
export function isFieldValue(value: string): boolean {
  return FIELD_VALUE.test(value);
}

/** Splits a comma list such as `Connection` or `Sec-WebSocket-Protocol`; empty members are dropped (RFC 9110 §5.6.1). */
export function splitTokenList(value: string | undefined): string[] {
  if (value === undefined) return [];
  const members: string[] = [];
  for (const part of value.split(',')) {
    const member = part.trim();
    if (member !== '') members.push(member);
  }
  return members;
}

/** Tells whether a comma list names the token, in any case (RFC 6455 §4.2.1 for `Upgrade` and `Connection`). */
export function listsToken(value: string | undefined, token: string): boolean {
  if (value === undefined) return false;
  const lower = value.toLowerCase();
  // Nearly every list has one member.
  return lower === token || splitTokenList(lower).includes(token);
}
