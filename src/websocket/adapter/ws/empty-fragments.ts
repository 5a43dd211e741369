import type { WebSocket } from 'ws';
import { internalsOf, ParserState, type Receiver } from './ws-internals.js';

/** Tells, when a parser asks for a mask, whether its frame adds nothing to the message and does not end it. */
export function isEmptyFragment({ _fin, _payloadLength }: Receiver): boolean {
  return !_fin && _payloadLength === 0;
}

/** Has a parser that reads as `ws` does tell of empty fragments. Does nothing where its names are others. */
export function tellOfEmptyFragments(websocket: WebSocket, tell: () => void): void {
  const { _receiver: parser } = internalsOf(websocket);
  if (typeof parser?.consume !== 'function') return;
  const consume = parser.consume.bind(parser);
  parser.consume = (byteLength) => {
    if (parser._state === ParserState.getMask && isEmptyFragment(parser)) tell();
    return consume(byteLength);
  };
}
