import type { Type } from '@nestjs/common';
import type { Relayed, Delivery } from '../connection/delivery.js';
import { deliveryOf } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { SharedMessage } from '../connection/transport.js';
import { describeError } from '../errors/describe-error.js';
import { MessageEncodingError } from '../errors/plack-websocket.error.js';
import { log } from '../log/log.js';
import { encodeMessage } from '../serializer/codec.js';
import type { MessageForm } from '../serializer/message-form.js';
import type { Serializer } from '../serializer/serializer.js';

/** A serializer of the application, and an endpoint that has it. */
export interface SerializerInUse {
  readonly serializer: Serializer;
  readonly endpoint: Type;
}

/** The message in the form of one serializer, or why it has none. */
export type Encoded = SharedMessage | MessageEncodingError;

/** Hands a message to other nodes, in the forms that their members may need. */
export type HandOn = (encoded: ReadonlyMap<Serializer, Encoded>) => Relayed;

/** Sends one value to many connections: encoded once for each serializer, before the first byte leaves. */
export class FanOut {
  /** All serializers of the application; without other nodes only asked where those of the members failed. */
  serializers: readonly SerializerInUse[] = [];
  /** Endpoints that were told of already. */
  readonly #toldOf = new WeakSet<Type>();

  /**
   * Members whose serializer cannot encode the value are dropped, with a warning for each endpoint, once: who happens to be
   * connected is not a fault of the caller.
   * @param onward hands it to other nodes, where there are some; or why it does not go there.
   * @throws MessageEncodingError when no serializer of the application can encode it; then nothing has been sent.
   */
  deliver(
    members: readonly ServedConnection[],
    value: unknown,
    form: MessageForm,
    onward?: HandOn | Relayed,
  ): Delivery {
    const handOn = typeof onward === 'function' ? onward : undefined;
    const encoded = this.#encode(members, value, form, handOn !== undefined);
    let sent = 0;
    // Neighbours mostly share a serializer, so the last one looked up is the right one.
    let serializer: Serializer | undefined;
    let message: SharedMessage | undefined;
    for (const connection of members) {
      if (connection.serializer !== serializer) {
        serializer = connection.serializer;
        message = this.#formFor(connection, encoded.get(serializer));
      }
      // Only written down here; it leaves in slices, so that a large audience does not hold the event loop.
      if (message !== undefined && connection.dispatchShared(message)) sent++;
    }
    return deliveryOf(members.length, sent, typeof onward === 'function' ? onward(encoded) : onward);
  }

  /** Sends what another node has encoded; a member whose serializer it has no form for is dropped. */
  deliverEncoded(
    members: readonly ServedConnection[],
    formFor: (serializer: Serializer) => SharedMessage | undefined,
  ): void {
    let serializer: Serializer | undefined;
    let message: SharedMessage | undefined;
    for (const connection of members) {
      if (connection.serializer !== serializer) {
        serializer = connection.serializer;
        message = this.#formFor(connection, formFor(serializer) ?? NO_FORM);
      }
      if (message !== undefined) connection.dispatchShared(message);
    }
  }

  #formFor(connection: ServedConnection, encoded: Encoded | undefined): SharedMessage | undefined {
    if (encoded instanceof MessageEncodingError) this.#tell(connection.endpoint, encoded);
    return encoded instanceof SharedMessage ? encoded : undefined;
  }

  #encode(
    members: readonly ServedConnection[],
    value: unknown,
    form: MessageForm,
    hasOthers: boolean,
  ): ReadonlyMap<Serializer, Encoded> {
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
    // Who is on other nodes is not known, so they get all forms.
    if (hasOthers || (failure !== undefined && !isEncoded)) {
      for (const { serializer, endpoint } of this.serializers) {
        if (encoded.has(serializer)) continue;
        if (isEncoded && !hasOthers) break;
        try {
          encoded.set(serializer, new SharedMessage(encodeMessage(serializer, value, form, endpoint)));
          isEncoded = true;
        } catch (error) {
          failure = new MessageEncodingError(error);
          encoded.set(serializer, failure);
        }
      }
    }
    if (failure !== undefined && !isEncoded) throw failure;
    return encoded;
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

/** Another node had no form of a message for a serializer that is in use here. */
const NO_FORM = new MessageEncodingError(
  new TypeError('another node sent it, which has no serializer of this name or whose serializer cannot encode it'),
);
