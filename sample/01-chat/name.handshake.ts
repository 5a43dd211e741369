import { BadRequestException, Injectable } from '@nestjs/common';
import type { HandshakeResponse, RequestContext } from 'nestjs-plack-websocket';

/** Letters, marks, digits, punctuation, symbols and the plain space: no control characters, nothing invisible. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,32}$/u;

/**
 * Reads the name somebody wants to be called.
 *
 * @throws BadRequestException when there is none, or it is not 1 to 32 printable characters.
 */
export function parseName(value: unknown): string {
  const name = typeof value === 'string' ? value.trim() : '';
  if (name === '') {
    throw new BadRequestException('a name is needed: 1 to 32 printable characters');
  }
  if (!PRINTABLE.test(name)) {
    throw new BadRequestException('this name cannot be used: a name is 1 to 32 printable characters');
  }
  return name;
}

// #region handshake
/** Lets nobody in without a name, and hands the name on to `@OnEstablish`. */
@Injectable()
export class NameHandshake {
  handshake(context: RequestContext, response: HandshakeResponse): [HandshakeResponse, string] {
    return [response, parseName(context.query['name'])];
  }
}
// #endregion handshake
