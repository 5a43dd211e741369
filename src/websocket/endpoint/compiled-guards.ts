import { isObservable, lastValueFrom } from 'rxjs';
import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { isPromiseLike, type MaybePromise } from '../connection/settle.js';

/** Nest's own words for a guard that said no. */
const FORBIDDEN = 'Forbidden resource';

/**
 * Asks guards one after the other, without a promise as long as they answer at once.
 * @throws ForbiddenException when one says no; what a guard throws itself passes through.
 */
export function askGuards(guards: readonly CanActivate[], context: ExecutionContext, from = 0): MaybePromise<void> {
  for (let i = from; i < guards.length; i++) {
    const answer = (guards[i] as CanActivate).canActivate(context);
    if (answer === true) continue;
    if (isPromiseLike(answer) || isObservable(answer)) {
      return settleAnswer(answer).then((allowed) => {
        if (!allowed) throw new ForbiddenException(FORBIDDEN);
        return askGuards(guards, context, i + 1);
      });
    }
    if (!(answer as unknown)) throw new ForbiddenException(FORBIDDEN);
  }
}

async function settleAnswer(answer: unknown): Promise<unknown> {
  const settled = await answer;
  return isObservable(settled) ? lastValueFrom(settled) : settled;
}
