import { WsException } from '@nestjs/websockets';

/** Which guard of which class has thrown it. */
const guards = new WeakMap<WsException, string>();

/** Notes who has thrown an exception that is written for messages, for the log line of the handshake that it refuses. */
export function noteGuard(thrown: unknown, guard: object, endpoint: string): void {
  if (!(thrown instanceof WsException)) return;
  const { name } = guard.constructor;
  guards.set(thrown, `${name === 'Object' || name === '' ? 'A guard' : `The guard ${name}`} of ${endpoint}`);
}

export function guardThatThrew(thrown: WsException): string | undefined {
  return guards.get(thrown);
}
