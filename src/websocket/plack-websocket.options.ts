import { Logger } from '@nestjs/common';
import { Backplane } from './backplane/backplane.js';
import { HeartbeatOptions } from './limits/heartbeat.options.js';
import { LimitsOptions } from './limits/limits.options.js';
import type { UserId } from './limits/user-id.js';
import type { TrustProxy } from './request/proxy-trust.js';
import { isHost, isPublicUrl } from './request/public-names.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import { EndpointOptions, type WsEndpointOptions } from './endpoint/endpoint.options.js';
import type { ErrorOption } from './endpoint/handshake-hook.js';
import type { ShutdownOptions } from './lifecycle/finish/shutdown.options.js';
import { checkOptions } from './rules/check-options.js';
import {
  anyOf,
  callable,
  choice,
  count,
  flag,
  group,
  listOf,
  recognized,
  text,
  type OptionTable,
} from './rules/option-rule.js';
import { ENDPOINT, SHUTDOWN, WS_ENDPOINT } from './options/option-tables.js';
import { withDefaults } from './rules/with-defaults.js';

/** Everything `PlackWebSocketModule.forRoot` takes, with defaults. */
export class PlackWebSocketOptions extends EndpointOptions {
  /** Path under which all endpoints are served. Default `/ws`. */
  path = '/ws';
  /** Answers refused upgrades; a function or an injectable class with a method `onError`. Default: Nest's JSON shape. */
  onError?: ErrorOption;
  /** How connections end when the application stops. Default: 1001 and 10 s, see {@link ShutdownOptions}. */
  shutdown: Partial<ShutdownOptions> = {};
  /**
   * Which proxies are believed about `ip`, `host` and `secure`, and so in the origin check, in limits per address and in
   * `registry.url`. Default `false`: none.
   *
   * Read are `X-Forwarded-For`, `-Host`, `-Port`, `-Proto` and `-Prefix`; only where none of them is there, `Forwarded`
   * (RFC 7239). Proxies write at the end of a list, so the member counts that has as many trusted proxies behind it as
   * `X-Forwarded-For` shows; with `true` the first one, which the client may have written itself.
   */
  trustProxy: TrustProxy = false;
  /**
   * Hosts under which clients reach the application: `'app.example'` on any port, `'app.example:8443'`, `'*.app.example'` for
   * the names below. A client that asks for another one gets 421, and `registry.url` does not build a URL from it. Default
   * none: any `Host` is believed, so a page whose name was pointed at this address (DNS rebinding) counts as of the same
   * origin.
   */
  hosts?: readonly string[];
  /**
   * Scheme, host and path under which clients reach the root of the application, such as `'https://app.example'` or
   * `'https://app.example/base'`: the origin that `'same-origin'` takes for its own, and what the URLs of `registry.url`
   * begin with. The `Host` of requests counts beside it only where `hosts` names it. Default none: that of the request.
   */
  publicUrl?: string;
  /**
   * Tells users apart for `registry.toUser`, `limits.maxConnectionsPerUser` and `connection.user`; a client for which it gives
   * `undefined` or `null` does not count as a user.
   * Default `user.id`, else `user.sub`, else `user._id`, or the user itself if it is an id. Ids are compared as text, so `1`
   * and `'1'` are one user; an id that is neither a string, a number or a bigint nor writes itself as text, as an ObjectId
   * does, refuses with 500 where a limit needs it. It answers at once: a throw refuses as one of the hook does, a promise
   * refuses with 500.
   */
  userId?: UserId;
  /**
   * Serves endpoints under the application's global prefix (`setGlobalPrefix`), and nowhere else. Default `false`: without
   * it, as stock gateways.
   */
  useGlobalPrefix = false;
  /**
   * Runs stock `@WebSocketGateway` classes on this adapter too, with the module's handshake, limits, registry and
   * drain. Default `false`: they keep the adapter of the application.
   */
  gateways = false;
  /**
   * Carries what is done to audiences to the other nodes of the application: `new RedisBackplane({ url })`, a subclass of
   * `Backplane` of your own, or `new MemoryBackplane()` for applications in one process. An instance for each application. Default none: every audience is
   * in this process.
   */
  backplane?: Backplane;
  /**
   * `'async-local'` makes `Connection` injectable into singletons: it stands for the connection whose callback is
   * running. Looking at it is harmless anywhere; using a member of it outside of a connection throws a
   * `ConfigurationError` that says so. Costs every asynchronous function of the process something on Node 20 and 22.
   * Default `'parameters'`: connections are passed to methods only, and there is no provider `Connection`. (With
   * `forRootAsync` there always is one, because its options come later; without `'async-local'` using it throws.)
   */
  context: 'parameters' | 'async-local' = 'parameters';
}

/** What the application gives: any part of the options. */
export type PlackWebSocketModuleOptions = Partial<PlackWebSocketOptions>;

const MODULE: OptionTable<keyof PlackWebSocketOptions> = {
  ...ENDPOINT,
  path: text(),
  onError: callable('a class'),
  shutdown: group(SHUTDOWN),
  trustProxy: anyOf(
    flag,
    count('hops', 0),
    text('an address or range'),
    listOf('a list of addresses and ranges', text('an address or range')),
    callable(),
  ),
  hosts: listOf(
    'a list of hosts',
    recognized("a host such as 'app.example', 'app.example:8443' or '*.app.example'", isHost),
  ),
  publicUrl: recognized("a URL such as 'https://app.example' without query and fragment", isPublicUrl),
  userId: callable(),
  useGlobalPrefix: flag,
  gateways: flag,
  backplane: recognized('a backplane, such as new MemoryBackplane()', (value) => value instanceof Backplane),
  context: choice('parameters', 'async-local'),
};

/** How messages name the options of the module. */
export const PLACE_OF_MODULE = 'PlackWebSocketModule.forRoot';

const logger = new Logger('PlackWebSocket');

/**
 * Checks the options of the module.
 * @throws ConfigurationError naming the option, what was expected and what came.
 */
export function readModuleOptions(given: PlackWebSocketModuleOptions = {}): PlackWebSocketOptions {
  warnOf(checkOptions(given, group(MODULE), { name: PLACE_OF_MODULE }));
  warnOf(limitsOfForgedAddresses(given.limits, given.trustProxy, PLACE_OF_MODULE));
  refuseTwoRates(given.limits, PLACE_OF_MODULE);
  const options = withDefaults(PlackWebSocketOptions, given);
  if (given.concurrency !== undefined) withConcurrency.add(options);
  return options;
}

/** Options in which the application itself says how many messages are handled side by side. */
const withConcurrency = new WeakSet<PlackWebSocketOptions>();

/**
 * Messages of one client of a gateway that may be handled side by side: as many as may wait, since handlers of gateways ask
 * their client and await its answer, unless the application says how many.
 */
export function gatewayConcurrency(options: PlackWebSocketOptions, { maxPendingMessages }: LimitsOptions): number {
  return withConcurrency.has(options) ? options.concurrency : maxPendingMessages;
}

/**
 * Checks the options of one endpoint and fills them up with those of the module; handshake hooks add up and are left to
 * the caller.
 * @param where begins the messages: `@WsEndpoint of RoomEndpoint`.
 * @throws ConfigurationError naming the class and the option.
 */
export function readEndpointOptions(
  given: WsEndpointOptions,
  module: PlackWebSocketOptions,
  where: string,
): Omit<EndpointOptions, 'handshake' | 'heartbeat'> & {
  limits: LimitsOptions;
  heartbeat: HeartbeatOptions | undefined;
} {
  const place = { name: where, module: { name: PLACE_OF_MODULE, options: MODULE } };
  warnOf(checkOptions(given, group(WS_ENDPOINT), place));
  warnOf(limitsOfForgedAddresses(given.limits, module.trustProxy, place.name));
  refuseTwoRates(given.limits, where);
  return Object.assign(withDefaults(EndpointOptions, pick(module), pick(given)), {
    limits: withDefaults(
      LimitsOptions,
      hasRate(given.limits) ? withoutRates(module.limits) : module.limits,
      given.limits ?? {},
    ),
    heartbeat: readHeartbeat(given.heartbeat, module.heartbeat),
  });
}

/** What an endpoint says over what the module says; `undefined` when it is off. */
function readHeartbeat(
  own: EndpointOptions['heartbeat'] | undefined,
  ofModule: EndpointOptions['heartbeat'],
): HeartbeatOptions | undefined {
  if ((own ?? ofModule) === false) return undefined;
  return withDefaults(HeartbeatOptions, ofModule === false ? {} : ofModule, own === false ? {} : (own ?? {}));
}

/** The options that a module sets for its endpoints, out of all its options. */
function pick({ handshake: _, ...values }: Partial<EndpointOptions> | WsEndpointOptions): Partial<EndpointOptions> {
  return Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(ENDPOINT, key)));
}

function hasRate(limits: Partial<LimitsOptions> | undefined): boolean {
  return (limits?.messagesPerSecond ?? limits?.rate) !== undefined;
}

/** An endpoint has a rate of its own, and the module none for it. */
function withoutRates({ messagesPerSecond: _, rate: __, ...limits }: Partial<LimitsOptions>): Partial<LimitsOptions> {
  return limits;
}

/** @throws ConfigurationError for two options that say the same thing. */
function refuseTwoRates(limits: Partial<LimitsOptions> | undefined, place: string): void {
  if (limits?.messagesPerSecond === undefined || limits.rate === undefined) return;
  throw new ConfigurationError(
    `${place}: limits.messagesPerSecond is short for a limits.rate that closes, so one place has one of the two. ` +
      `Leave it out, or limits.rate.`,
  );
}

/** Limits that count by the address of the client. */
const PER_ADDRESS = ['maxConnectionsPerIp', 'maxPendingHandshakesPerIp', 'handshakesPerMinutePerIp'] as const;

/** Where every proxy is believed, every client is: it writes an address of its own choice, another for each connection. */
function limitsOfForgedAddresses(
  limits: Partial<LimitsOptions> | undefined,
  trustProxy: TrustProxy | undefined,
  place: string,
): string[] {
  if (trustProxy !== true) return [];
  return PER_ADDRESS.filter((name) => limits?.[name] !== undefined).map(
    (name) =>
      `${place}: limits.${name} counts by addresses that clients can write themselves, because trustProxy is true. ` +
      "Name the proxies that are believed: trustProxy: 'loopback', a list of addresses, or the number of hops.",
  );
}

/** Writes what is dangerous about options to the log. */
export function warnOf(warnings: readonly string[]): void {
  for (const warning of warnings) logger.warn(warning);
}
