import { setMaxListeners } from 'node:events';
import { inThisContext } from '../async/bound-context.js';
import { describeError } from '../errors/describe-error.js';
import { MessageEncodingError, OutboxOverflowError, TooManyStreamsError } from '../errors/plack-websocket.error.js';
import { log } from '../log/log.js';
import type { RequestContext } from '../request/request-context.js';
import { encodeMessage } from '../serializer/codec.js';
import { PLAIN_PUSH, pushForm } from '../serializer/envelope.js';
import type { Serializer } from '../serializer/serializer.js';
import type { MessageForm } from '../serializer/message-form.js';
import type { ConnectionFinishHandler, ConnectionMessageHandler } from './connection.js';
import { ConnectionHandlers, runLate } from './connection-handlers.js';
import type { ConnectionPlaces, ConnectionPorts } from './connection-ports.js';
import type { FinishInfo } from './finish-info.js';
import type { Registration, Unregister } from './handler-list.js';
import { MemberConnection } from './member-connection.js';
import { Outbox, type SendDecision } from './outbox.js';
import { RoundTrips } from './round-trips.js';
import type { SharedMessage, Transport } from './transport.js';

/** What one connection is made of; the lifecycle puts it together. */
export interface ConnectionParts {
  readonly id: string;
  readonly context: RequestContext;
  readonly outbox: Outbox;
  readonly places: ConnectionPlaces;
}

/** The part of a served connection that does not know how it lives: what it sends, and who listens to it. */
export abstract class AddressableConnection extends MemberConnection {
  readonly #outbox: Outbox;
  readonly #ports: ConnectionPorts<AddressableConnection>;
  #handlers: ConnectionHandlers | undefined;
  #areFinishHandlersTaken = false;
  #abort: AbortController | undefined;
  #abortInContext: ((end: FinishInfo) => void) | undefined;
  #end: FinishInfo | undefined;
  #sent = 0;
  #roundTrips: RoundTrips | undefined;
  /** What stops the streams of replies that are being sent. */
  #streams: Set<() => void> | undefined;

  constructor({ id, context, outbox, places }: ConnectionParts, ports: ConnectionPorts<AddressableConnection>) {
    super(id, context, ports, places);
    this.#outbox = outbox;
    this.#ports = ports;
  }

  /** As `canSend`, or our close frame waits for the reply of the handler that closed. */
  protected abstract get canReply(): boolean;

  /** The peer reads too slowly for one more message. */
  protected abstract overflow(error: OutboxOverflowError): void;

  override get bufferedBytes(): number {
    return this.#outbox.bufferedBytes;
  }

  override get raw(): unknown {
    return this.transport.raw;
  }

  override get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const controller = new AbortController();
      this.#abort = controller;
      // Listeners run in the async context of the code that asked for the signal.
      this.#abortInContext = inThisContext((end: FinishInfo) => controller.abort(end));
      // Handlers and the application listen: many are not a leak.
      setMaxListeners(0, controller.signal);
      if (this.#end !== undefined) controller.abort(this.#end);
    }
    return this.#abort.signal;
  }

  override on<TMessage = unknown>(event: 'message', handler: ConnectionMessageHandler<TMessage>): Unregister;
  override on(event: 'finish' | 'close', handler: ConnectionFinishHandler): Unregister;
  override on(event: string, handler: ConnectionMessageHandler | ConnectionFinishHandler): Unregister {
    const unregister = (this.#handlers ??= new ConnectionHandlers()).add(event, handler);
    if (event !== 'message' && this.#areFinishHandlersTaken && this.#end !== undefined) {
      runLate(handler, this, this.#end, unregister);
    }
    return unregister;
  }

  override ping(): Promise<number | undefined> {
    if (!this.canSend) return NO_ANSWER;
    return (this.#roundTrips ??= new RoundTrips()).start((payload) => this.transport.ping(payload));
  }

  /** Asks for a sign of life; any byte will do. */
  probe(): void {
    if (this.canSend) this.transport.ping();
  }

  onPong(payload: Buffer): void {
    this.#roundTrips?.answer(payload);
  }

  override send(value: unknown): Promise<boolean>;
  override send(event: string, data: unknown): Promise<boolean>;
  override send(value: unknown, ...rest: readonly unknown[]): Promise<boolean> {
    if (!this.canSend) return Outbox.notSent;
    const form = pushForm(value, rest);
    let data: string | Uint8Array;
    try {
      data = this.encode(form === PLAIN_PUSH ? value : rest[0], form);
    } catch (error) {
      log.error(
        this.endpoint.name,
        `A message of ${this.endpoint.name} could not be sent: ${describeError(error)}`,
        error,
        this,
      );
      const rejected = Promise.reject<boolean>(error);
      rejected.catch(ignore);
      return rejected;
    }
    return this.dispatchAndTell(data);
  }

  /** What encodes and decodes the messages of its endpoint. */
  get serializer(): Serializer {
    return this.#ports.settings.serializer;
  }

  /** How many messages were given to the socket; tells whether an error handler answered. */
  get sentCount(): number {
    return this.#sent;
  }

  /** A snapshot. */
  get messageHandlers(): readonly Registration<ConnectionMessageHandler>[] | undefined {
    return this.#handlers?.message;
  }

  /** A snapshot; a handler that is added from now on runs by itself. */
  takeFinishHandlers(): readonly Registration<ConnectionFinishHandler>[] {
    this.#areFinishHandlersTaken = true;
    return this.#handlers?.finish ?? [];
  }

  /** @throws MessageEncodingError */
  encode(value: unknown, form: MessageForm = PLAIN_PUSH): string | Uint8Array {
    try {
      return encodeMessage(this.serializer, value, form, this.endpoint);
    } catch (error) {
      throw new MessageEncodingError(error);
    }
  }

  /** Sends an encoded reply; it needs no promise. */
  dispatch(data: string | Uint8Array): boolean {
    if (!this.canReply || !this.#takes(data)) return false;
    this.#outbox.send(data);
    return true;
  }

  /** Sends encoded data; the promise settles when the socket took it. */
  dispatchAndTell(data: string | Uint8Array): Promise<boolean> {
    if (!this.canSend || !this.#takes(data)) return Outbox.notSent;
    return this.#outbox.sendAndTell(data);
  }

  /** Why one more stream of replies must not begin. */
  get streamRefusal(): TooManyStreamsError | undefined {
    if (this.#streams === undefined) return undefined;
    const { maxStreams } = this.#ports.settings.limits;
    return this.#streams.size < maxStreams ? undefined : new TooManyStreamsError(maxStreams);
  }

  /** Notes what stops a stream of replies; `false` when the connection closes and it must not begin. */
  addStream(stop: () => void): boolean {
    if (!this.canSend) return false;
    (this.#streams ??= new Set()).add(stop);
    return true;
  }

  removeStream(stop: () => void): void {
    this.#streams?.delete(stop);
  }

  get hasStreams(): boolean {
    return this.#streams !== undefined && this.#streams.size > 0;
  }

  protected stopStreams(): void {
    for (const stop of this.#streams ?? []) stop();
  }

  /** Sends what many receive. It is done for all of them in one turn, so most are asked no more than one question. */
  dispatchShared(message: SharedMessage): boolean {
    if (!this.canSend) return false;
    if (!this.#outbox.transport.trySendShared(message, this.#ports.settings.limits.maxBufferedBytes)) {
      if (!this.#goes(this.#outbox.acceptsBytes(message.byteLength))) return false;
      this.#outbox.sendShared(message);
    }
    this.#sent++;
    return true;
  }

  /**
   * Sends an event; what Nest's own `BaseWsExceptionFilter` calls on a client that is not a bare
   * socket. On an endpoint whose serializer cannot take objects it leaves as JSON text.
   */
  emit(event: string, data: unknown): boolean {
    let encoded: string | Uint8Array;
    try {
      encoded = this.encode(data, { kind: 'push', event });
    } catch {
      encoded = JSON.stringify({ event, data });
    }
    return this.dispatch(encoded);
  }

  protected override get ports(): ConnectionPorts<AddressableConnection> {
    return this.#ports;
  }

  /** The port to the socket; `raw` is the socket itself. */
  protected get transport(): Transport {
    return this.#outbox.transport;
  }

  /** The socket is closed: nothing leaves any more, and the signal aborts. */
  protected over(end: FinishInfo): void {
    this.#end = end;
    this.#roundTrips?.stop();
    this.#abortInContext?.(end);
    this.context.end(end);
  }

  protected get finishInfo(): FinishInfo | undefined {
    return this.#end;
  }

  /** One that closes is left to `ws`, which sends no more. */
  takesRaw(byteLength: number): boolean {
    return !this.canSend || this.#goes(this.#outbox.acceptsBytes(byteLength));
  }

  /** Ends the connection if more waits in its socket than may, also by another way than `send`. */
  protected checkOutbox(): void {
    const excess = this.#outbox.excess;
    if (excess !== undefined && this.canSend) this.overflow(excess);
  }

  #takes(data: string | Uint8Array): boolean {
    if (!this.#goes(this.#outbox.accepts(data))) return false;
    this.#sent++;
    return true;
  }

  #goes(decision: SendDecision): boolean {
    if (decision instanceof OutboxOverflowError) this.overflow(decision);
    return decision === 'send';
  }
}

/** The answer to a ping that is not sent. */
const NO_ANSWER = Promise.resolve(undefined);

function ignore(): void {}
