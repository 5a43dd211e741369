import { CloseCode } from '../protocol/close-code.js';

/** How many connections one user may have at one time, and what happens when one more comes. */
export class UserConnectionsOptions {
  /** Connections of one user at one time, as `userId` tells users apart. Default 1. */
  max = 1;
  /**
   * `'refuse'` (default): one more gets 429, and a user that is set by a message is refused with a `TooManyConnectionsError`.
   * `'replace'`: it comes in, and the oldest of the user closes with `code`. The older one is out of audiences and channels
   * before the newer one is in.
   */
  exceeded: 'refuse' | 'replace' = 'refuse';
  /** Close code of a connection that is replaced. Default 4409; clients should not connect again by themselves after it. */
  code: number = CloseCode.replaced;
}
