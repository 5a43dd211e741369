import { inThisContext } from '../async/bound-context.js';
import { isPromiseLike, type MaybePromise } from '../async/maybe-promise.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

export type AfterReplyCallback = () => unknown;

/** What a handler has put off until the reply to its message has left. */
export class AfterReply {
  readonly #callbacks: AfterReplyCallback[] = [];

  /** @throws TypeError for what is not a function. */
  add(callback: AfterReplyCallback): void {
    if (typeof callback !== 'function') throw new TypeError('connection.afterReply takes a function.');
    this.#callbacks.push(inThisContext(callback));
  }

  /** Runs them one after the other, also those that are added by the way; what one throws or rejects with is told. */
  run(tell: (error: unknown) => void): MaybePromise<void> {
    for (let next = this.#callbacks.shift(); next !== undefined; next = this.#callbacks.shift()) {
      try {
        const result = next();
        if (isPromiseLike(result)) return this.#goOn(result, tell);
      } catch (error) {
        tell(error);
      }
    }
  }

  async #goOn(pending: PromiseLike<unknown>, tell: (error: unknown) => void): Promise<void> {
    try {
      await pending;
    } catch (error) {
      tell(error);
    }
    await this.run(tell);
  }
}

/** @throws ConfigurationError always. */
export function refuseAfterReply(isConcurrent: boolean): never {
  throw new ConfigurationError(
    isConcurrent
      ? 'connection.afterReply is called outside of a handler of a message, or after an await in one: where several messages are ' +
          'handled at once, that does not tell which reply is meant. Call it before the first await.'
      : 'connection.afterReply is called outside of a handler of a message: there is not a reply to wait for. Call it in an ' +
          '@OnMessage method or in a handler of connection.on("message"), or do the work at once.',
  );
}
