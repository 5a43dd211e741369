// Taken at import, so that a test with fake timers still gets its time-out.
import { clearTimeout, setTimeout } from 'node:timers';

/** How long a call waits. */
export interface WaitOptions {
  /**
   * Milliseconds until the wait fails. Default: the `timeoutMs` of `connect`, 2000. `0` does not wait: only what is
   * already there counts. `Infinity` leaves the limit to the test runner.
   */
  readonly timeoutMs?: number;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

/** Runs `expire` after a time; a time that no timer can count never ends. */
export function after(timeoutMs: number, expire: () => void): () => void {
  if (timeoutMs > MAX_TIMER_MS) return () => undefined;
  const timer = setTimeout(expire, timeoutMs);
  return () => clearTimeout(timer);
}

/** Keeps a rejection that is not awaited from ending the test process; a test that awaits it still gets it. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
