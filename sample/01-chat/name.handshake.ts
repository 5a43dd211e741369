import { BadRequestException, Injectable } from '@nestjs/common';
import type { HandshakeResponse, RequestContext } from 'nestjs-plack-websocket';

/** Letters, marks, digits, punctuation, symbols and the plain space: no control characters, nothing invisible. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,32}$/u;

/**
 * Reads the name that a person wants to be called. A name is claimed here, not proven: two people may call themselves alike.
 * Where it matters who speaks, ask for a login, as the sample 02-handshake does.
 *
 * @throws BadRequestException when there is none, or it is not 1 to 32 printable characters.
 */
export function parseName(value: unknown): string {
  // One form for what looks the same: a full-width or a composed letter is the plain one.
  const name = typeof value === 'string' ? value.normalize('NFKC').trim() : '';
  if (name === '') {
    throw new BadRequestException('a name is needed: 1 to 32 printable characters');
  }
  if (!PRINTABLE.test(name)) {
    throw new BadRequestException('this name cannot be used: a name is 1 to 32 printable characters');
  }
  return name;
}

// #region handshake
/** Lets a client in with a name only, and hands the name on to `@OnEstablish`. */
@Injectable()
export class NameHandshake {
  handshake(context: RequestContext, response: HandshakeResponse): [HandshakeResponse, string] {
    return [response, parseName(context.query['name'])];
  }
}
// #endregion handshake
