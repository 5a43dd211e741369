import type { BackplaneState } from '../backplane/node-watch.js';
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

/** Something that other nodes sent to a channel may not have arrived. */
export interface GapEvent {
  /** A channel with members in this process, or `*` for what was sent to every connection. */
  readonly channel: string;
  /** Id of the node that sent it. */
  readonly node: string;
  /** How many messages are missing; `undefined` where nothing was heard of that node on that channel before. */
  readonly missed: number | undefined;
}

/** Told of holes in what other nodes send. */
export type GapHandler = (gap: GapEvent) => unknown;

/** Told when other nodes can be reached, and when they cannot. */
export type BackplaneHandler = (state: BackplaneState) => unknown;

/** The events of the registry, and the handlers that were added for them. */
export class RegistryEvents {
  readonly #establish = new EventHandlers<EstablishHandler>();
  readonly #finish = new EventHandlers<FinishHandler>();
  readonly #drain = new EventHandlers<DrainHandler>();
  readonly #backplane = new EventHandlers<BackplaneHandler>();
  readonly #gap = new EventHandlers<GapHandler>();
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
    if (event === 'backplane') return this.#backplane.add(handler as BackplaneHandler);
    if (event === 'gap') return this.#gap.add(handler as GapHandler);
    if (event === 'occupied' || event === 'vacated') {
      return this.channels.on(event, handler as ChannelHandler, options);
    }
    throw new TypeError(
      `Unknown event: ${String(event)}; the registry has establish, finish, drain, occupied, vacated, backplane and gap.`,
    );
  }

  establish(connection: Connection): void {
    if (this.#establish.size > 0) void this.#establish.tell((handler) => handler(connection));
  }

  finish(connection: Connection, end: FinishInfo): void {
    if (this.#finish.size > 0) void this.#finish.tell((handler) => handler(connection, end));
  }

  backplane(state: BackplaneState): void {
    void this.#backplane.tell((handler) => handler(state));
  }

  gap(gap: GapEvent): void {
    void this.#gap.tell((handler) => handler(gap));
  }

  /** Gives what settles when all handlers have; `undefined` when all have already. */
  drain(): Promise<unknown> | undefined {
    return this.#drain.tell((handler) => handler());
  }
}
