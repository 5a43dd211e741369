import { ParserState, type Receiver } from './ws-internals.js';

/** What keeping a fragment costs beside its bytes. */
const BYTES_PER_FRAGMENT = 128;

/** What keeping a chunk that was read costs beside its bytes: without the fast path small ones are not joined. */
const BYTES_PER_CHUNK = 384;

/** Bytes that a parser keeps of a message that is not complete, or of a frame, with what they cost beside themselves. */
export function unfinishedBytesOf(parser: Receiver): number {
  const { _bufferedBytes, _buffers, _fragmented } = parser;
  const bytes = _bufferedBytes === 0 ? 0 : _bufferedBytes + _buffers.length * BYTES_PER_CHUNK;
  if (_fragmented === 0) return bytes;
  // A message has begun, even if its first fragments are empty.
  return bytes + 1 + parser._messageLength + parser._fragments.length * BYTES_PER_FRAGMENT;
}

/** Tells whether the peer owes the rest of a frame or of a message. A message that is being inflated has come. */
export function isInMessage(parser: Receiver): boolean {
  const { _state: state } = parser;
  return (state !== ParserState.getInfo && state <= ParserState.getData) || unfinishedBytesOf(parser) > 0;
}
