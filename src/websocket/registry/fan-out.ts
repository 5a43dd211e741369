import type { Type } from '@nestjs/common';
import type { Delivery } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { SharedMessage } from '../connection/transport.js';
import { describeError } from '../errors/describe-error.js';
import { MessageEncodingError } from '../errors/plack-websocket.error.js';
import { log } from '../log/log.js';
import { encodeWith } from '../serializer/codec.js';
import type { MessageForm } from '../serializer/message-form.js';
import type { Serializer } from '../serializer/serializer.js';

/** A serializer of the application, and an endpoint that has it. */
export interface SerializerInUse {
  readonly serializer: Serializer;
  readonly endpoint: Type;
}

/** The message in the form of one serializer, or why it has none. */
type Encoded = SharedMessage | MessageEncodingError;

/** Sends one value to many connections: encoded once for each serializer, before the first byte leaves. */
export class FanOut {
  /** All serializers of the application; only asked where those of the members failed. */
  serializers: readonly SerializerInUse[] = [];
  /** Endpoints that were told of already. */
  readonly #toldOf = new WeakSet<Type>();

  /**
   * Members whose serializer cannot encode the value are dropped, with a warning for each endpoint, once: who happens to be
   * connected is not a fault of the caller.
   * @throws MessageEncodingError when no serializer of the application can encode it; then nothing has been sent.
   */
  readonly deliver = (members: readonly ServedConnection[], value: unknown, form: MessageForm): Delivery => {
    const encoded = this.#encode(members, value, form);
    let sent = 0;
    // Neighbours mostly share a serializer, so the last one looked up is the right one.
    let serializer: Serializer | undefined;
    let message: SharedMessage | undefined;
    for (const connection of members) {
      if (connection.serializer !== serializer) {
        serializer = connection.serializer;
        const one = encoded.get(serializer);
        message = one instanceof SharedMessage ? one : undefined;
        if (one instanceof MessageEncodingError) this.#tell(connection.endpoint, one);
      }
      // Only written down here; it leaves in slices, so that a large audience does not hold the event loop.
      if (message !== undefined && connection.dispatchShared(message)) sent++;
    }
    return { matched: members.length, sent, dropped: members.length - sent };
  };

  #encode(members: readonly ServedConnection[], value: unknown, form: MessageForm): ReadonlyMap<Serializer, Encoded> {
    const encoded = new Map<Serializer, Encoded>();
    let failure: MessageEncodingError | undefined;
    let isEncoded = false;
    let last: Serializer | undefined;
    for (const connection of members) {
      if (connection.serializer === last || encoded.has((last = connection.serializer))) continue;
      try {
        encoded.set(last, new SharedMessage(connection.encode(value, form)));
        isEncoded = true;
      } catch (error) {
        failure = error as MessageEncodingError;
        encoded.set(last, failure);
      }
    }
    if (failure !== undefined && !isEncoded && !this.#canBeEncoded(value, form, encoded)) throw failure;
    return encoded;
  }

  /** Tells whether a serializer that no member has could encode it: then it is a message, for others. */
  #canBeEncoded(value: unknown, form: MessageForm, tried: ReadonlyMap<Serializer, Encoded>): boolean {
    return this.serializers.some(({ serializer, endpoint }) => {
      if (tried.has(serializer)) return false;
      try {
        encodeWith(serializer, value, form, endpoint);
        return true;
      } catch {
        return false;
      }
    });
  }

  #tell(endpoint: Type, failure: MessageEncodingError): void {
    if (this.#toldOf.has(endpoint)) return;
    this.#toldOf.add(endpoint);
    const { name } = endpoint;
    log.warn(
      'registry',
      `Connections of ${name} do not get what is sent to many, since their serializer cannot encode it: ` +
        `${describeError(failure)} This is said once. Name those who are meant, such as with registry.in(Endpoint).`,
      failure,
    );
  }
}
