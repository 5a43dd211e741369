import type { CallHandler, CanActivate, NestInterceptor, PipeTransform } from '@nestjs/common';
import type { Observable } from 'rxjs';

/** The smallest guard, pipe and interceptor there can be: what is measured is the price of calling them. */
export class PassGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

export class PassPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return value;
  }
}

export class PassInterceptor implements NestInterceptor {
  intercept(_context: unknown, next: CallHandler): Observable<unknown> {
    return next.handle();
  }
}
