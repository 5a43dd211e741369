import type { Connection } from '../connection/connection.js';
import type { FinishInfo } from '../connection/finish-info.js';
import type { Unregister } from '../connection/handler-list.js';
import { ChannelEvents, type ChannelEventOptions, type ChannelHandler } from './channel-events.js';
import type { Channels } from './channels.js';
import { EventHandlers } from './event-handlers.js';

/** Told of every connection that is established here. */
export type EstablishHandler = (connection: Connection) => unknown;

/** Told of every connection that is over. */
export type FinishHandler = (connection: Connection, end: FinishInfo) => unknown;

/** Hears of the beginning of a planned stop; a promise of it is awaited within the grace time. */
export type DrainHandler = () => unknown;

/** The events of the registry, and the handlers that were added for them. */
export class RegistryEvents {
  readonly #establish = new EventHandlers<EstablishHandler>();
  readonly #finish = new EventHandlers<FinishHandler>();
  readonly #drain = new EventHandlers<DrainHandler>();
  readonly channels: ChannelEvents;

  constructor(channels: Channels<unknown>) {
    this.channels = new ChannelEvents(channels);
  }

  /** @throws TypeError for an unknown event or a handler that is not a function. */
  add(event: string, handler: unknown, options?: ChannelEventOptions): Unregister {
    if (typeof handler !== 'function') throw new TypeError(`The handler for event ${event} must be a function.`);
    if (event === 'establish') return this.#establish.add(handler as EstablishHandler);
    if (event === 'finish') return this.#finish.add(handler as FinishHandler);
    if (event === 'drain') return this.#drain.add(handler as DrainHandler);
    if (event === 'occupied' || event === 'vacated') {
      return this.channels.on(event, handler as ChannelHandler, options);
    }
    throw new TypeError(
      `Unknown event: ${String(event)}; the registry has establish, finish, drain, occupied and vacated.`,
    );
  }

  establish(connection: Connection): void {
    if (this.#establish.size > 0) void this.#establish.tell((handler) => handler(connection));
  }

  finish(connection: Connection, end: FinishInfo): void {
    if (this.#finish.size > 0) void this.#finish.tell((handler) => handler(connection, end));
  }

  /** Gives what settles when all handlers have; `undefined` when all have already. */
  drain(): Promise<unknown> | undefined {
    return this.#drain.tell((handler) => handler());
  }
}
