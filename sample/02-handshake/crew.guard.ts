import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Badge } from './badge.handshake.js';

// #region guard
/** As written for controllers: the request of the upgrade, later the connection, carries the same `user`. */
@Injectable()
export class CrewGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { user } = context.switchToHttp().getRequest<{ user: Badge }>();
    return user.role === 'crew';
  }
}
// #endregion guard
