import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';

/** Answers a plain HTTP request if it is for the path of an endpoint; tells whether it did. */
export type PlainHttpAnswer = (request: IncomingMessage, response: ServerResponse) => boolean;

/** The part of Fastify that is needed to see requests no route is for. */
interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (request: { raw: IncomingMessage; is404: boolean }, reply: FastifyReplyLike, done: () => void) => void,
  ): unknown;
}

interface FastifyReplyLike {
  readonly raw: ServerResponse;
  hijack(): unknown;
}

/**
 * Lets us answer plain requests that no route of the application is for. Must be called when the routes are registered
 * and before Nest's own 404, which is what `onModuleInit` is; a route of the application on the same path wins.
 */
export function answerPlainHttp(adapter: AbstractHttpAdapter, answer: PlainHttpAnswer): void {
  if (adapter.getType() === 'fastify') {
    const fastify = adapter.getInstance<FastifyLike>();
    fastify.addHook('onRequest', (request, reply, done) => {
      if (!request.is404 || !answer(request.raw, reply.raw)) {
        done();
        return;
      }
      reply.hijack();
    });
    return;
  }
  adapter.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
    if (!answer(request, response)) next();
  });
}
