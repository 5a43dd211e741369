import { isPromiseLike } from './maybe-promise.js';

/** A callback gave a promise where it has to answer at once: a fault of the application, for the log. */
export class LateAnswerError extends TypeError {
  constructor(callback: string) {
    super(`${callback} gave a promise; it has to answer at once`);
    this.name = 'LateAnswerError';
  }
}

/**
 * Takes the answer of a callback that has to answer at once.
 * @throws LateAnswerError for a promise, whose rejection counts as handled.
 */
export function atOnce<T>(answer: T, callback: string): T {
  if (isPromiseLike(answer)) throw refuseLate(answer, callback);
  return answer;
}

/** As `atOnce`, for an answer that is known to be a promise and a callback whose name is only made now. */
export function refuseLate(answer: PromiseLike<unknown>, callback: string): LateAnswerError {
  handleQuietly(answer);
  return new LateAnswerError(callback);
}

/** Makes sure that the rejection of a promise that nothing waits for ends nothing. */
export function handleQuietly(promise: unknown): void {
  // Not `Promise.resolve`, which throws for a promise whose `constructor` does.
  new Promise((resolve) => resolve(promise)).catch(ignore);
}

function ignore(): void {}
