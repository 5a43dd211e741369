/** Tells whether a string is a whole HTTP response with a final status: status line, headers, blank line (RFC 9112 §2.1). */
export function isRawResponse(value: string): boolean {
  return /^HTTP\/1\.[01] [2-5]\d\d[ \r]/.test(value) && value.includes('\r\n\r\n');
}
