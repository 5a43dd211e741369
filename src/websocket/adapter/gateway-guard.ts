import { Logger } from '@nestjs/common';
import { isPromiseLike } from '../connection/settle.js';
import { stackOf } from '../errors/describe-error.js';
import { CloseCode } from '../protocol/close-code.js';

type Hook = (this: object, client: unknown, ...rest: unknown[]) => unknown;

/** A client as far as it has to be closed. */
interface Closable {
  close(code: number, reason: string): void;
}

const GUARDED = Symbol('plack-websocket:guarded');
const logger = new Logger('PlackWebSocket');

/**
 * Makes `handleConnection` and `handleDisconnect` of a stock gateway harmless: Nest calls them inside an RxJS
 * subscriber, where a throw or a rejection ends the process. An error is logged; in `handleConnection` it closes the
 * client with 1011.
 *
 * @param delay told of an asynchronous `handleConnection`, so that messages wait for it.
 */
export function guardGateway(instance: object, delay: (client: unknown, pending: PromiseLike<unknown>) => void): void {
  const gateway = instance as Record<string | symbol, unknown>;
  if (gateway[GUARDED] === true) return;
  Object.defineProperty(gateway, GUARDED, { value: true });
  guard(gateway, 'handleConnection', (client, pending) => delay(client, pending), closeFaulty);
  guard(gateway, 'handleDisconnect', undefined, undefined);
}

function guard(
  gateway: Record<string | symbol, unknown>,
  name: string,
  onPending: ((client: unknown, pending: PromiseLike<unknown>) => void) | undefined,
  onFault: ((client: unknown) => void) | undefined,
): void {
  const original = gateway[name];
  if (typeof original !== 'function') return;
  const fail = (client: unknown, error: unknown): void => {
    logger.error(`${gateway.constructor.name}.${name} failed.`, stackOf(error));
    onFault?.(client);
  };
  const guarded: Hook = function (client, ...rest) {
    try {
      const result: unknown = (original as Hook).call(this, client, ...rest);
      if (!isPromiseLike(result)) return result;
      const settled = Promise.resolve(result).catch((error: unknown) => fail(client, error));
      onPending?.(client, settled);
      return settled;
    } catch (error) {
      fail(client, error);
      return undefined;
    }
  };
  Object.defineProperty(gateway, name, { value: guarded, configurable: true, writable: true });
}

function closeFaulty(client: unknown): void {
  (client as Closable).close(CloseCode.internalError, 'internal error');
}
