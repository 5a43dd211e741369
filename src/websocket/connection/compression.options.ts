/**
 * Compression of messages (permessage-deflate, RFC 7692). Off by default: it costs memory and time per connection, and a
 * secret beside text of an attacker in one message can be guessed from the size (CRIME).
 *
 * The inflated size is counted while inflating against `limits.maxPayloadBytes`, so a zip bomb closes 1009 before it is
 * large; the option therefore needs that limit.
 */
export class CompressionOptions {
  /** Messages below this size leave uncompressed, in bytes. Default 1 024. */
  thresholdBytes = 1_024;
  /** Level of zlib, 1 (fast) to 9 (small). Default 3. */
  level = 3;
  /** Memory level of zlib, 1 to 9: a deflate takes about 2^(memLevel + 9) bytes beside its window. Default 7. */
  memLevel = 7;
  /**
   * Keeps the window of a connection between messages: smaller messages, and up to about 300 KiB of memory for each
   * connection as long as it lives. Default `false`: memory is held only while a message is worked on.
   */
  contextTakeover = false;
  /** Messages that are compressed or inflated at one time in the process; the first endpoint decides. Default 10. */
  concurrency = 10;
}
