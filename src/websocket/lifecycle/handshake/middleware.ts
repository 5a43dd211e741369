import { AsyncResource } from 'node:async_hooks';
import { HttpException } from '@nestjs/common';
import type { RequestContext } from '../../request/request-context.js';
import type { UpgradeMiddleware } from '../../endpoint/endpoint.options.js';
import { isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { toReadable } from '../../async/thrown-value.js';
import { toHttpError } from '../../errors/http-error.js';
import { log } from '../../log/log.js';
import type { UpgradeResponse } from './upgrade-response.js';

/** Thrown when middleware has answered by itself: the upgrade is refused with what it wrote. */
export class AnsweredByMiddleware extends Error {}

type Run = (request: unknown, response: unknown, next: (error?: unknown) => void) => unknown;

/**
 * Runs middleware on the upgrade request, one after the other, and `then` behind the last one. Each begins within the `next`
 * of the one before, so that what follows runs inside of its `als.run(store, next)`, as in a controller.
 *
 * @returns what `then` gives; rejects with AnsweredByMiddleware when one ends the response, and with what one throws or gives
 * to `next`.
 */
export function runMiddleware<T>(
  middleware: readonly UpgradeMiddleware[],
  context: RequestContext,
  response: UpgradeResponse,
  then: () => MaybePromise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const begin = (index: number): void => {
      try {
        context.insistOnClient();
        const run = middleware[index] as Run | undefined;
        if (run === undefined) resolve(then());
        else runOne(run, index);
      } catch (error) {
        reject(error);
      }
    };
    const runOne = (run: Run, index: number): void => {
      const onFinish = (): void => reject(new AnsweredByMiddleware());
      response.once('finish', onFinish);
      let isOver = false;
      const settle = (go: () => void): void => {
        isOver = true;
        response.off('finish', onFinish);
        response.scope = new AsyncResource('PlackHandshake');
        go();
      };
      const fail = (error: unknown): void => {
        if (isOver) log.error('middleware', 'Middleware failed after it had called next.', error);
        else settle(() => reject(toRefusal(toReadable(error))));
      };
      const next = (error?: unknown): void => {
        if (error !== undefined && error !== null) fail(error);
        else if (!isOver) settle(() => begin(index + 1));
      };
      try {
        const result = run(context.raw, response, next);
        // An asynchronous middleware may reject instead of calling next.
        if (isPromiseLike(result)) new Promise((done) => done(result)).catch(fail);
      } catch (error) {
        fail(error);
      }
    };
    begin(0);
  });
}

/** An error with a status refuses with it; one without is a fault. */
function toRefusal(error: unknown): unknown {
  return error instanceof HttpException ? error : (toHttpError(error, true) ?? error);
}
