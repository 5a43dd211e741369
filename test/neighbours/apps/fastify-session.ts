import type { IncomingMessage } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { Body, Controller, Injectable, Post, Session } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { OnMessage, WsEndpoint, type UpgradeMiddleware } from 'nestjs-plack-websocket';
import type { Answers, Neighbour } from './neighbour.js';

interface Visit {
  name?: string;
}

@Controller('login')
class Login {
  @Post()
  login(@Session() session: Visit, @Body() { name }: { name: string }): void {
    session.name = name;
  }
}

@WsEndpoint('who')
class Who {
  @OnMessage()
  whoAmI(@Session() session: Visit | undefined): string {
    return session?.name ?? 'a stranger';
  }
}

@Injectable()
class Keeper implements Answers {
  answer(): unknown {
    return 'kept';
  }
}

// #region session
/** Does for upgrades what the plugin does for pages in a hook. */
function sessionsOf(fastify: FastifyInstance): UpgradeMiddleware {
  return (request: IncomingMessage, _response: unknown, next: (error?: unknown) => void) => {
    const { sessionId } = fastify.parseCookie(request.headers.cookie ?? '');
    if (sessionId === undefined) next();
    else fastify.decryptSession(sessionId, request, {}, next);
  };
}
// #endregion session

const adapter = new FastifyAdapter();

export const neighbour: Neighbour = {
  adapter,
  controllers: [Login],
  providers: [Who],
  answers: Keeper,
  options: { middleware: [sessionsOf(adapter.getInstance())] },
  configure: async () => {
    const fastify: FastifyInstance = adapter.getInstance();
    await fastify.register(fastifyCookie);
    await fastify.register(fastifySession, {
      secret: 'for tests only, of 32 letters or more',
      cookie: { secure: false },
    });
  },
};
