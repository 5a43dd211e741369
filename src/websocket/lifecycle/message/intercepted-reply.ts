import type { StreamName } from '../../async/async-iterable.js';
import { continueWith } from '../../async/maybe-promise.js';
import type { MethodStream, StreamOwner } from '../../endpoint/pipeline/compiled-interceptors.js';
import type { ErrorPolicy } from './error-policy.js';
import type { HandledMessage } from './handled-message.js';
import { sendReply, sendReplyAndTell, sendResult } from './reply.js';
import type { ReplySink } from './stream-reply.js';

/**
 * The reply of a method inside interceptors: the next message waits for it, unless it turns into a stream. That is one that the
 * method gives, or a chain of interceptors that goes on after its first item. Chain and method together count as one stream.
 */
export class InterceptedReply implements ReplySink, StreamOwner {
  #stop: (() => void) | undefined;
  #hasBegun = false;
  #hasItem = false;
  #isStream = false;
  #isSettled = false;
  #isChainOver = false;
  /** What the method gave and still runs; an interceptor may call it more than once. */
  #methods: Set<MethodStream> | undefined;
  /** What ends all of it, while it counts as a stream of the connection. */
  #counted: (() => void) | undefined;
  #release: (() => void) | undefined;
  #taken: Promise<unknown> | undefined;

  constructor(
    private readonly handled: HandledMessage,
    private readonly policy: ErrorPolicy,
  ) {}

  /** Settles when the next message may begin; `undefined` if it may at once, as most chains are synchronous. */
  get settled(): Promise<void> | undefined {
    return this.#isSettled ? undefined : new Promise((resolve) => (this.#release = resolve));
  }

  /** What a stream of the method waits for before its next item: the socket takes the last one. */
  pace(): Promise<unknown> | undefined {
    return this.#taken;
  }

  get streamName(): StreamName {
    return this.handled.streamName;
  }

  /** It has been subscribed to; `stop` ends it, and is `undefined` when it is over. */
  begin(stop: (() => void) | undefined): void {
    this.#hasBegun = true;
    this.#stop = stop;
    this.handled.onGiveUp = stop;
    // The connection closed while it was subscribed to.
    if (this.#isStream && this.#counted === undefined) stop?.();
    else if (stop !== undefined && this.#hasItem) this.#goOn();
  }

  /** The method answers with a stream; said while it is subscribed to, or later. Tells why it must not begin. */
  beginStream(stream: MethodStream): Error | undefined {
    const refusal = this.#counted === undefined ? this.handled.connection.streamRefusal : undefined;
    if (refusal !== undefined) return refusal;
    this.#isStream = true;
    this.settle();
    const methods = (this.#methods ??= new Set());
    methods.add(stream);
    this.#count();
    stream.whenOver(() => {
      methods.delete(stream);
      this.#discount();
    });
    return undefined;
  }

  /** Sends one item. @throws MessageEncodingError */
  send(item: unknown): void {
    const { connection, form } = this.handled;
    if (this.handled.isGivenUp) return;
    if (this.#isStream) {
      this.#taken = sendReplyAndTell(connection, item, form);
      return;
    }
    if (this.#hasItem) sendReply(connection, item, form);
    else sendResult(connection, item, form);
    if (this.#hasItem || this.#isSettled) return;
    this.#hasItem = true;
    // A value is complete as soon as it has been sent; what is not by then goes on.
    if (this.#hasBegun) queueMicrotask(() => this.#goOn());
  }

  /** The chain is over when its error is answered. */
  failed(error: unknown): void {
    void continueWith(this.policy.apply(error, this.handled), () => this.ended());
  }

  ended(): void {
    this.#isChainOver = true;
    this.settle();
    this.#discount();
  }

  settle(): void {
    this.#isSettled = true;
    this.#release?.();
  }

  #goOn(): void {
    if (this.#isSettled) return;
    this.settle();
    const refusal = this.handled.connection.streamRefusal;
    if (refusal === undefined) {
      this.#count();
      return;
    }
    this.#stop?.();
    void this.policy.apply(refusal, this.handled);
  }

  #count(): void {
    if (this.#counted !== undefined) return;
    // What the method began ends with the connection, also where an interceptor does not hand that on.
    const stopAll = (): void => {
      this.#stop?.();
      for (const stream of this.#methods ?? []) stream.stop();
    };
    if (this.handled.connection.addStream(stopAll)) this.#counted = stopAll;
    else stopAll();
  }

  #discount(): void {
    if (this.#counted === undefined || !this.#isChainOver || (this.#methods?.size ?? 0) > 0) return;
    this.handled.connection.removeStream(this.#counted);
    this.#counted = undefined;
  }
}
