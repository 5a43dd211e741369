import type { Type } from '@nestjs/common';
import {
  ConfigurationError,
  TooManyChannelsError,
  TooManyConnectionsError,
  UserChangedError,
} from '../errors/plack-websocket.error.js';
import type { RequestContext } from '../request/request-context.js';
import type { Audience } from './audience.js';
import { EVERYBODY, isIterable, isText, readChannels, readNames, type ChannelNames } from './channel-name.js';
import { Connection } from './connection.js';
import type { ConnectionPlaces, ConnectionPorts } from './connection-ports.js';

/** Small whole numbers take no memory of their own, so the time of birth is kept in hundredths of a second. */
const HUNDREDTH_MS = 10;

/** Connections that were made in this process so far. */
let made = 0;

/** The part of a served connection that says who it is, and which channels it is in. */
export abstract class MemberConnection extends Connection {
  /** Tells which of two connections of this process is the older one. */
  readonly ordinal = ++made;
  /** Since the start of the process. */
  readonly #bornAt = Math.floor(performance.now() / HUNDREDTH_MS);
  readonly #id: string;
  readonly #context: RequestContext;
  readonly #ports: ConnectionPorts<MemberConnection>;
  #data: Record<string, unknown> | undefined;
  #channels: Set<string> | undefined;
  /** Id of the user, once it was asked for; `null` where there is none. The first one stays. */
  #userId: string | null | undefined;
  /** The application took its user away; only the same one may come back. */
  #isAnonymous = false;

  constructor(
    id: string,
    context: RequestContext,
    ports: ConnectionPorts<MemberConnection>,
    /** Its places in the limits. */
    protected readonly places: ConnectionPlaces,
  ) {
    super();
    this.#id = id;
    this.#context = context;
    this.#ports = ports;
    context.owner = this;
  }

  /** Neither side has begun to close. */
  protected abstract get canSend(): boolean;

  override get id(): string {
    return this.#id;
  }

  /** By the clock of this process, to a hundredth of a second. */
  get establishedAt(): Date {
    return new Date(performance.timeOrigin + this.#bornAt * HUNDREDTH_MS);
  }

  override get endpoint(): Type {
    return this.#ports.endpoint;
  }

  override get context(): RequestContext {
    return this.#context;
  }

  override get data(): Record<string, unknown> {
    return (this.#data ??= {});
  }

  override set data(data: Record<string, unknown>) {
    this.#data = data;
  }

  override get channels(): ReadonlySet<string> {
    return new Set(this.#channels);
  }

  override join(...channels: readonly ChannelNames[]): void {
    const names = readChannels(channels, 'join');
    if (!this.canSend) return;
    this.#insistOnRoom(names, this.#channels);
    this.#join(names);
  }

  override leave(...channels: readonly ChannelNames[]): void {
    if (!this.canSend) return;
    for (const channel of textsIn(channels)) this.#leave(channel);
  }

  override setChannels(...channels: readonly ChannelNames[]): void {
    const names = readChannels(channels, 'setChannels');
    if (!this.canSend) return;
    const kept = new Set(names);
    this.#insistOnRoom(names);
    for (const channel of this.channels) if (!kept.has(channel)) this.#leave(channel);
    this.#join(names);
  }

  override inChannel(...channels: readonly ChannelNames[]): boolean {
    if (this.#channels === undefined) return false;
    for (const channel of textsIn(channels)) if (this.#channels.has(channel)) return true;
    return false;
  }

  override to<TConnection extends Connection<unknown, object> = Connection>(
    ...channels: readonly ChannelNames[]
  ): Audience<TConnection> {
    return this.#ports.registry.audience(readNames(channels, 'to'), this);
  }

  /** Tells whether one of these names means this connection: a channel of it, its id, or `*`. */
  isAnyOf(names: ReadonlySet<string>): boolean {
    if (names.has(this.#id) || names.has(EVERYBODY)) return true;
    const own = this.#channels;
    if (own === undefined) return false;
    const [fewer, more] = own.size < names.size ? [own, names] : [names, own];
    for (const name of fewer) if (more.has(name)) return true;
    return false;
  }

  /**
   * Id of the user that it belongs to, as text; `undefined` for none.
   * @throws ConfigurationError for an id that cannot be compared, and what the option `userId` throws.
   */
  identify(): string | undefined {
    if (this.#isAnonymous) return undefined;
    if (this.#userId === undefined) this.#userId = this.#ports.registry.identify(this.#context) ?? null;
    return this.#userId ?? undefined;
  }

  /** Sets `user`, by the rules that the setter of `Connection` has. */
  changeUser(user: unknown): void {
    const context = this.#context;
    const before = context.user;
    const wasAnonymous = this.#isAnonymous;
    if (!this.canSend) {
      context.writeUser(user);
      return;
    }
    // The first user counts, so it has to be known before it is gone.
    this.#tryIdentify();
    const known = this.#userId;
    context.writeUser(user);
    try {
      this.#isAnonymous = user === undefined || user === null;
      if (!this.#isAnonymous) this.#insistOnSameUser();
      if (this.#isAnonymous) this.places.leaveUser();
      else if (!this.places.changeUser(context)) throw new TooManyConnectionsError();
    } catch (error) {
      context.writeUser(before);
      this.#isAnonymous = wasAnonymous;
      this.#userId = known;
      throw error;
    }
    this.#ports.registry.changeUser(this);
  }

  protected get ports(): ConnectionPorts<MemberConnection> {
    return this.#ports;
  }

  /** From now on it is in no audience and no limit per user; `channels` goes on naming those it was in. */
  protected withdraw(): void {
    this.places.leaveUser();
    const { registry } = this.#ports;
    registry.withdraw(this);
    if (this.#channels !== undefined) for (const channel of this.#channels) registry.leave(channel, this);
  }

  /** The first user counts: the same one may get a new value, another one may not come. */
  #insistOnSameUser(): void {
    const known = this.#userId ?? undefined;
    let id: string | undefined;
    try {
      id = this.#ports.registry.identify(this.#context);
    } catch (error) {
      // Without an id to compare with, it is an error only where a limit needs one.
      if (known !== undefined || !(error instanceof ConfigurationError)) throw error;
    }
    if (known !== undefined && id !== known) throw new UserChangedError();
    this.#userId = id ?? null;
  }

  #tryIdentify(): void {
    try {
      this.identify();
    } catch {
      // An id that cannot be compared: any user may follow.
    }
  }

  /** @throws TooManyChannelsError if it would be in too many with these beside those that stay. */
  #insistOnRoom(names: readonly string[], stay?: ReadonlySet<string>): void {
    const { maxChannels } = this.#ports.settings.limits;
    // Most are far below. Else a name that is given twice counts once, as does one that it has joined already.
    if (names.length + (stay?.size ?? 0) <= maxChannels) return;
    const all = new Set(stay);
    for (const name of names) if (all.add(name).size > maxChannels) throw new TooManyChannelsError(maxChannels);
  }

  #join(names: readonly string[]): void {
    const joined = (this.#channels ??= new Set());
    for (const name of names) {
      if (joined.has(name)) continue;
      joined.add(name);
      this.#ports.registry.join(name, this);
    }
  }

  #leave(channel: string): void {
    if (this.#channels?.delete(channel) === true) this.#ports.registry.leave(channel, this);
  }
}

/** What cannot be a name is the name of no channel. */
function* textsIn(given: readonly ChannelNames[]): Iterable<string> {
  for (const one of given) {
    if (isText(one)) yield one;
    else if (isIterable(one)) for (const name of one) if (isText(name)) yield name;
  }
}
