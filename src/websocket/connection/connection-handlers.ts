import { log } from '../log/log.js';
import type { Connection, ConnectionFinishHandler, ConnectionMessageHandler } from './connection.js';
import type { FinishInfo } from './finish-info.js';
import { HandlerList, type Registration, type Unregister } from './handler-list.js';

/** The handlers that were added to one connection with `on`; most connections have none. */
export class ConnectionHandlers {
  #message: HandlerList<ConnectionMessageHandler> | undefined;
  #finish: HandlerList<ConnectionFinishHandler> | undefined;

  /** A snapshot; `undefined` where there was never one. */
  get message(): readonly Registration<ConnectionMessageHandler>[] | undefined {
    return this.#message?.entries;
  }

  /** A snapshot. */
  get finish(): readonly Registration<ConnectionFinishHandler>[] {
    return this.#finish?.entries ?? [];
  }

  /** @throws TypeError for an unknown event or a handler that is not a function. */
  add(event: string, handler: ConnectionMessageHandler | ConnectionFinishHandler): Unregister {
    if (event !== 'message' && event !== 'finish' && event !== 'close') {
      throw new TypeError(`Unknown event: ${String(event)}; a connection has message, finish and close (= finish).`);
    }
    if (typeof handler !== 'function') throw new TypeError(`The handler for event ${event} must be a function.`);
    if (event === 'message') return (this.#message ??= new HandlerList()).add(handler as ConnectionMessageHandler);
    return (this.#finish ??= new HandlerList()).add(handler);
  }
}

/** Runs a finish handler that came after the others, soon. */
export function runLate(
  handler: ConnectionFinishHandler,
  connection: Connection,
  end: FinishInfo,
  unregister: Unregister,
): void {
  const fail = (error: unknown): void => {
    const { name } = connection.endpoint;
    log.error(name, `A finish handler of ${name} failed`, error, connection);
  };
  queueMicrotask(() => {
    try {
      void Promise.resolve(handler(connection, end, unregister)).catch(fail);
    } catch (error) {
      fail(error);
    }
  });
}
