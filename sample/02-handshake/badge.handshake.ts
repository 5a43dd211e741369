import { Injectable, UnauthorizedException } from '@nestjs/common';
import type { HandshakeDecision, HandshakeResponse, RequestContext } from 'nestjs-plack-websocket';

/** Who a person is; what guards and the connection see as `user`. */
export interface Badge {
  readonly name: string;
  readonly role: 'crew' | 'guest';
}

/** A real application would ask its database; the hook may be asynchronous. */
const BADGES: ReadonlyMap<string, Badge> = new Map([
  ['1001', { name: 'Ada', role: 'crew' }],
  ['1002', { name: 'Grace', role: 'guest' }],
]);

const HANDED_IN = '1003';
const SHIFT_MS = 8 * 60 * 60 * 1000;

// #region handshake
@Injectable()
export class BadgeHandshake {
  handshake(context: RequestContext, response: HandshakeResponse): HandshakeDecision {
    const known = context.cookies['badge'];
    // A header or a cookie: what is in the URL is in the log of every proxy.
    const shown = /^Badge (\d+)$/.exec(context.headers.authorization ?? '')?.[1];
    const number = shown ?? known ?? '';
    if (number === HANDED_IN) return { status: 410, body: { message: 'this badge was handed in' } };
    const badge = BADGES.get(number);
    if (badge === undefined) throw new UnauthorizedException();

    context.user = badge;
    response.setCookie('badge', number, { path: '/ws', httpOnly: true, sameSite: 'strict', secure: context.secure });
    response.expiresAt = Date.now() + SHIFT_MS;
    return [response, known !== undefined];
  }
}
// #endregion handshake
