import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { handleQuietly } from './at-once.js';
import { isPromiseLike } from './maybe-promise.js';

/** Stands for something that was thrown and throws itself when it is looked at; a fault of the application. */
export class UnreadableError extends Error {
  constructor() {
    super('what was thrown throws itself when it is looked at');
    this.name = 'UnreadableError';
  }
}

/** What the answer to an error and the log read of it. */
const MEMBERS = ['name', 'message', 'cause', 'status', 'statusCode', 'code', 'errorCode'] as const;

/**
 * Looks once at everything that an answer and the log need of what was thrown, so that nothing later throws. Anything can
 * be thrown: a revoked proxy, an exception whose `getStatus` throws, an error whose `message` does.
 *
 * @returns what was thrown, or an UnreadableError in its place.
 */
export function toReadable(thrown: unknown): unknown {
  if ((typeof thrown !== 'object' || thrown === null) && typeof thrown !== 'function') return thrown;
  try {
    if (isPromiseLike(thrown)) handleQuietly(thrown);
    if (!(thrown instanceof Error)) {
      // oxlint-disable-next-line typescript/no-base-to-string -- whether it has a text is the question
      void String(thrown);
      return thrown;
    }
    for (const name of MEMBERS) void Reflect.get(thrown, name);
    if (thrown instanceof HttpException) void [thrown.getStatus(), thrown.getResponse()];
    else if (thrown instanceof WsException) void thrown.getError();
    // Formatted when it is read, so only where it is going to be logged.
    else void thrown.stack;
    return thrown;
  } catch {
    return new UnreadableError();
  }
}
