import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { RequestContext } from 'nestjs-plack-websocket';

/** Written for controllers: the token is a query parameter of the request, here that of the handshake. */
@Injectable()
export class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.switchToHttp().getRequest<RequestContext>().query['token'] === 'secret';
  }
}
