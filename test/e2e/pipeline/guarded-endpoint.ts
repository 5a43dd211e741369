import { UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../../src/index.js';
import type { Journal } from '../../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

export type Answer = ReturnType<CanActivate['canActivate']>;

/** A guard made of a function. */
export function guard(canActivate: (context: ExecutionContext) => Answer): CanActivate {
  return { canActivate };
}

export function isHandshake(context: ExecutionContext): boolean {
  return context.getType() === 'http';
}

/** Boots an endpoint of three stages with guards on its class; its methods note that they ran. */
export function startGuarded(
  happened: Journal,
  guards: (CanActivate | (new () => CanActivate))[],
  rest: AppSpec = {},
): Promise<StartedApp> {
  @UseGuards(...guards)
  @WsEndpoint({ path: 'guarded', serializer: 'json' })
  class Guarded {
    @OnEstablish()
    enter(): void {
      happened.add('enter');
    }

    @OnMessage('say')
    say(_connection: Connection, text: string): string {
      happened.add(`say ${text}`);
      return `said ${text}`;
    }

    @OnFinish()
    leave(): void {
      happened.add('leave');
    }
  }
  return startApp({ ...rest, endpoints: [Guarded] });
}
