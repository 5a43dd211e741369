import type { IncomingMessage } from 'node:http';
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';

// #region guard
/**
 * Refuses what another site's page posts. A browser sends `Origin` with every POST, and a page cannot change it; a
 * program sends none and acts for itself alone.
 */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { origin, host } = context.switchToHttp().getRequest<IncomingMessage>().headers;
    return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  }
}
// #endregion guard
