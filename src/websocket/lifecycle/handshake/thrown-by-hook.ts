import { isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';

/** Carries what a hook or `login` threw: without a status of its own it is the fault of the request, any other fault is ours. */
export class ThrownByHook {
  readonly #thrown: unknown;

  constructor(thrown: unknown) {
    this.#thrown = thrown;
  }

  /** What was thrown, and whether a hook threw it. Looks at nothing of it: it may throw when it is looked at. */
  static read(thrown: unknown): { readonly thrown: unknown; readonly isByHook: boolean } {
    return typeof thrown === 'object' && thrown !== null && #thrown in thrown
      ? { thrown: thrown.#thrown, isByHook: true }
      : { thrown, isByHook: false };
  }
}

/** Asks a hook. @throws ThrownByHook with what it throws or rejects with. */
export function askHook<T>(hook: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const answer = hook();
    return isPromiseLike(answer) ? Promise.resolve(answer).catch(blame) : answer;
  } catch (error) {
    return blame(error);
  }
}

function blame(error: unknown): never {
  // oxlint-disable-next-line typescript/only-throw-error -- a wrapper for anything that was thrown
  throw new ThrownByHook(error);
}
