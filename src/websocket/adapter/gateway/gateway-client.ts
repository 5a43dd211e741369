import type { Type, WsMessageHandler } from '@nestjs/common';
import { filter, isObservable, type Observable } from 'rxjs';
import { handleQuietly } from '../../async/at-once.js';
import { continueWith, isPromiseLike } from '../../async/maybe-promise.js';
import { toReadable } from '../../async/thrown-value.js';
import type { ServedConnection } from '../../connection/served-connection.js';
import { describeForPeer, isExpected } from '../../errors/peer-error.js';
import { PLAIN_REPLY, sendReply } from '../../lifecycle/message/reply.js';
import { streamObservable } from '../../lifecycle/message/stream-reply.js';
import { log } from '../../log/log.js';
import { HookCalls } from './hook-calls.js';

type Callback = WsMessageHandler['callback'];

const ERROR = { kind: 'error' } as const;

/** What Nest has bound to one client of a gateway, or of several on one path. */
export class GatewayClient {
  /** Messages wait for these. */
  readonly connects: HookCalls;
  /** The drain waits for these. */
  readonly disconnects: HookCalls;
  /** By the value that a message names, which need not be a text. */
  readonly #events = new Map<unknown, readonly Callback[]>();
  readonly #onDisconnect: ((reason: unknown) => unknown)[] = [];

  constructor(
    private readonly connection: ServedConnection,
    connects: readonly Type[],
    disconnects: readonly Type[],
  ) {
    this.connects = new HookCalls('handleConnection', connects);
    this.disconnects = new HookCalls('handleDisconnect', disconnects);
  }

  /** Several gateways may share a path; all that name an event serve it, as with the stock adapter. */
  bind(handlers: readonly WsMessageHandler[]): void {
    for (const { message, callback } of handlers) {
      this.#events.set(message, [...(this.#events.get(message) ?? []), callback]);
    }
  }

  onDisconnect(callback: (reason: unknown) => unknown): void {
    this.#onDisconnect.push(callback);
  }

  /**
   * Handles an event; one without a handler is passed over, as by the stock adapter.
   * @throws TooManyMessagesError for one that a rate of events refuses.
   */
  handle(event: unknown, data: unknown): unknown {
    const callbacks = this.#events.get(event);
    if (callbacks === undefined) return undefined;
    const refusal = this.connection.isRated ? this.connection.eventRefusal(event) : undefined;
    if (refusal !== undefined) throw refusal;
    const [only] = callbacks;
    if (callbacks.length === 1 && only !== undefined) return continueWith(only(data, event as string), withoutNothing);
    // Each answers by itself: one that takes its time, or fails, must not keep the answer of another back.
    return Promise.all(callbacks.map((callback) => this.#answer(callback, data, event))).then(() => undefined);
  }

  disconnected(code: number): void {
    for (const callback of this.#onDisconnect) {
      try {
        const result = callback(code);
        if (isPromiseLike(result)) handleQuietly(result);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  async #answer(callback: Callback, data: unknown, event: unknown): Promise<void> {
    try {
      const answer = withoutNothing(await callback(data, event));
      if (!isObservable(answer)) return this.#send(answer);
      streamObservable(this.connection, answer, {
        send: (item) => this.#send(item),
        failed: (error) => this.#fail(error),
        ended: () => undefined,
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  #send(answer: unknown): void {
    sendReply(this.connection, answer, PLAIN_REPLY);
  }

  #fail(thrown: unknown): void {
    const { connection } = this;
    const { name } = connection.endpoint;
    const error = toReadable(thrown);
    if (!isExpected(error)) log.error(name, `${name} failed`, error, connection);
    connection.dispatch(connection.encode(describeForPeer(error), ERROR));
  }
}

/** The stock adapter sends neither `undefined` nor `null`, also when they are items of a stream. */
function withoutNothing(result: unknown): unknown {
  return isObservable(result) ? toItems(result) : (result ?? undefined);
}

function toItems(result: Observable<unknown>): Observable<unknown> {
  return result.pipe(filter((item) => item !== undefined && item !== null));
}
