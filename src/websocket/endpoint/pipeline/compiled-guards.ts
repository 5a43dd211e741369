import { isObservable, lastValueFrom } from 'rxjs';
import { ForbiddenException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { noteGuard } from '../../errors/ws-exception-of-guard.js';

/** Nest's own words for a guard that said no. */
export const FORBIDDEN = 'Forbidden resource';

/**
 * Asks guards one after the other, without a promise as long as they answer at once.
 * @param insist throws when those that come after an asynchronous answer must not be asked any more.
 * @throws ForbiddenException when one says no; what a guard throws itself passes through.
 */
export function askGuards(
  guards: readonly CanActivate[],
  context: ExecutionContext,
  insist?: () => void,
  from = 0,
): MaybePromise<void> {
  for (let i = from; i < guards.length; i++) {
    const guard = guards[i] as CanActivate;
    const answer = insist === undefined ? guard.canActivate(context) : askNamed(guard, context);
    if (answer === true) continue;
    if (isPromiseLike(answer) || isObservable(answer)) {
      return settleAnswer(answer).then((allowed) => {
        if (!allowed) throw new ForbiddenException(FORBIDDEN);
        insist?.();
        return askGuards(guards, context, insist, i + 1);
      });
    }
    if (!(answer as unknown)) throw new ForbiddenException(FORBIDDEN);
  }
}

/** Asks a guard in a handshake. What is written for messages alone is told apart there by the guard that has thrown it. */
function askNamed(guard: CanActivate, context: ExecutionContext): ReturnType<CanActivate['canActivate']> {
  const note = (error: unknown): never => {
    noteGuard(error, guard, context.getClass().name);
    throw error;
  };
  try {
    const answer = guard.canActivate(context);
    return isPromiseLike(answer) || isObservable(answer)
      ? (settleAnswer(answer).catch(note) as Promise<boolean>)
      : answer;
  } catch (error) {
    return note(error);
  }
}

async function settleAnswer(answer: unknown): Promise<unknown> {
  const settled = await answer;
  return isObservable(settled) ? lastValueFrom(settled) : settled;
}
