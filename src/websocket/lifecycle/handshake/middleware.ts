import { HttpException } from '@nestjs/common';
import type { RequestContext } from '../../connection/request-context.js';
import type { UpgradeMiddleware } from '../../endpoint/endpoint.options.js';
import { UpgradeRefusedError } from '../../errors/plack-websocket.error.js';
import type { UpgradeResponse } from './upgrade-response.js';

/** Thrown when middleware has answered by itself: the upgrade is refused with what it wrote. */
export class AnsweredByMiddleware extends Error {}

type Run = (request: unknown, response: unknown, next: (error?: unknown) => void) => unknown;

/**
 * Runs middleware on the upgrade request, one after the other.
 * @throws AnsweredByMiddleware when one ends the response; what one throws or gives to `next` passes through.
 */
export async function runMiddleware(
  middleware: readonly UpgradeMiddleware[],
  context: RequestContext,
  response: UpgradeResponse,
): Promise<void> {
  for (const run of middleware as readonly Run[]) {
    await new Promise<void>((resolve, reject) => {
      const onFinish = (): void => reject(new AnsweredByMiddleware());
      response.once('finish', onFinish);
      const next = (error?: unknown): void => {
        response.off('finish', onFinish);
        if (error === undefined || error === null) resolve();
        else reject(toRefusal(error));
      };
      // An asynchronous middleware may reject instead of calling next.
      Promise.resolve()
        .then(() => run(context.raw, response, next))
        .catch(next);
    });
  }
}

/** Lets middleware that waits for the head of the response do its work, such as setting a session cookie. */
export function concludeMiddleware(response: UpgradeResponse): void {
  response.writeHead(101);
  response.end();
}

/** Errors of the Connect world carry their status; without one it is as if a hook had thrown. */
function toRefusal(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || error instanceof HttpException) return error;
  const { status, statusCode } = error as { status?: unknown; statusCode?: unknown };
  const given = typeof status === 'number' ? status : statusCode;
  if (typeof given !== 'number' || given < 400 || given > 599) return error;
  const name = given < 500 ? 'invalid request' : 'internal error';
  return new UpgradeRefusedError(name, name, { cause: error, status: given });
}
