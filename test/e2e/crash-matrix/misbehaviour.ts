import { NEVER, Observable, finalize, throwError } from 'rxjs';

/** Text of the exceptions that nobody expects; no peer may ever read it. */
export const SECRET = 'a detail that is nobody’s business';

/** What a method of an application can do wrong. */
export type Misbehaviour =
  | 'throw'
  | 'throw-undefined'
  | 'throw-textless'
  | 'reject'
  | 'reject-undefined'
  | 'observable'
  | 'observable-cleanup'
  | 'endless-cleanup'
  | 'iterable'
  | 'iterable-cleanup'
  | 'bigint'
  | 'cycle'
  | 'deep';

/**
 * Does what it is told, and nothing without being told. `reply` gives a value to the client: a method that handles
 * messages returns it, one that does not sends it.
 */
export function misbehave(what: unknown, reply: (value: unknown) => unknown = (value) => value): unknown {
  switch (what) {
    case 'throw':
      throw new Error(SECRET);
    case 'throw-undefined':
      throw undefined;
    case 'throw-textless':
      // Neither a message nor a way to make a string of it.
      throw Object.create(null);
    case 'reject':
      return rejectLater(new Error(SECRET));
    case 'reject-undefined':
      return rejectLater(undefined);
    case 'observable':
      return throwError(() => new Error(SECRET));
    case 'iterable':
      return failingIterable();
    case 'observable-cleanup':
      return failingLater().pipe(finalize(fail));
    case 'endless-cleanup':
      return NEVER.pipe(finalize(fail));
    case 'iterable-cleanup':
      return endlessIterable();
    case 'bigint':
      return reply({ event: 'reply', data: 10n });
    case 'cycle':
      return reply({ event: 'reply', data: cycle() });
    case 'deep':
      return reply({ event: 'reply', data: nested(20_000) });
    default:
      return undefined;
  }
}

/** Tells the test that the method of this stage is about to run for this client. */
export function report(stage: string, client: unknown): void {
  process.send?.({ [`${stage}:${String(client)}`]: true });
}

/** Waits until the test says `open`. */
export function gate(): Promise<void> {
  return new Promise((resolve) => {
    const listener = (message: unknown): void => {
      if (typeof message !== 'object' || message === null || !('open' in message)) return;
      process.off('message', listener);
      resolve();
    };
    process.on('message', listener);
  });
}

async function rejectLater(reason: unknown): Promise<never> {
  await Promise.resolve();
  throw reason;
}

function fail(): never {
  throw new Error(SECRET);
}

function failingLater(): Observable<never> {
  return new Observable((subscriber) => {
    setImmediate(() => subscriber.error(new Error(SECRET)));
  });
}

/** Never gives an item, and cannot be told to stop. */
function endlessIterable(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: fail }) };
}

function failingIterable(): AsyncIterable<never> {
  return { [Symbol.asyncIterator]: () => ({ next: () => rejectLater(new Error(SECRET)) }) };
}

function cycle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

function nested(levels: number): unknown[] {
  let value: unknown[] = [];
  for (let level = 1; level < levels; level += 1) value = [value];
  return value;
}
