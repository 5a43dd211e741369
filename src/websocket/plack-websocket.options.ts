import type { CompressionOptions } from './connection/compression.options.js';
import type { UserId } from './connection/connection-limits.js';
import { HeartbeatOptions } from './connection/heartbeat.js';
import { LimitsOptions } from './connection/limits.options.js';
import type { TrustProxy } from './connection/proxy-trust.js';
import { EndpointOptions, type WsEndpointOptions } from './endpoint/endpoint.options.js';
import type { ErrorOption } from './endpoint/handshake-hook.js';
import { ConfigurationError } from './errors/plack-websocket.error.js';
import { ShutdownOptions } from './lifecycle/finish/shutdown.options.js';
import { isSendableCloseCode } from './protocol/close-code.js';

/** Everything `PlackWebSocketModule.forRoot` takes, with defaults. */
export class PlackWebSocketOptions extends EndpointOptions {
  /** Path under which all endpoints are served. Default `/ws`. */
  path = '/ws';
  /** Answers refused upgrades; a function or an injectable class with a method `onError`. Default: Nest's JSON shape. */
  onError?: ErrorOption;
  /**
   * When silence is asked about and when it is taken for death; `false` switches it off. Default: 25 s and 10 s, see
   * {@link HeartbeatOptions}.
   */
  heartbeat: Partial<HeartbeatOptions> | false = {};
  /** How connections end when the application stops. Default: 1001 and 10 s, see {@link ShutdownOptions}. */
  shutdown: Partial<ShutdownOptions> = {};
  /** Which proxies are believed about `ip`, `host` and `secure`. Default `false`: none. */
  trustProxy: TrustProxy = false;
  /**
   * Tells users apart for `limits.maxConnectionsPerUser`; `undefined` is not counted. Default `user.id`, else `user.sub`,
   * or the user itself if it is a string or a number. A throw refuses as one of the hook does.
   */
  userId?: UserId;
  /**
   * Serves endpoints under the application's global prefix (`setGlobalPrefix`), and nowhere else. Default `false`: without
   * it, as stock gateways.
   */
  useGlobalPrefix = false;
  /**
   * Runs stock `@WebSocketGateway` classes on this adapter too, with the module's handshake, limits, registry and
   * drain. Default `false`: they keep whatever adapter the application has.
   */
  gateways = false;
  /**
   * `'async-local'` makes `Connection` injectable into singletons: it stands for the connection whose callback is
   * running. Costs every asynchronous function of the process something on Node 20 and 22. Default `'parameters'`:
   * connections are passed to methods only.
   */
  context: 'parameters' | 'async-local' = 'parameters';
}

/** What the application gives: any part of the options. */
export type PlackWebSocketModuleOptions = Partial<PlackWebSocketOptions>;

type Check = readonly [test: (value: unknown) => boolean, expectation: string];

const aFunction: Check = [(value) => typeof value === 'function', 'a function or a class'];
const aBoolean: Check = [(value) => typeof value === 'boolean', 'true or false'];
const aString: Check = [(value) => typeof value === 'string', 'a string'];
const positive: Check = [(value) => Number.isInteger(value) && (value as number) > 0, 'a whole number above 0'];
const notNegative: Check = [
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  'a number of at least 0',
];

const LIMITS: Readonly<Record<keyof LimitsOptions, Check>> = {
  maxConnections: positive,
  maxConnectionsPerIp: positive,
  maxConnectionsPerUser: positive,
  messagesPerSecond: positive,
  maxTotalQueuedBytes: positive,
  maxEventLoopDelayMs: positive,
  maxPayloadBytes: notNegative,
  maxFragments: notNegative,
  maxPendingMessages: positive,
  maxPendingBytes: positive,
  maxBufferedBytes: positive,
  overflow: [(value) => value === 'close' || value === 'drop', "'close' or 'drop'"],
  maxPendingHandshakes: positive,
};

/** Limits that count beyond one endpoint. */
const MODULE_LIMITS = ['maxTotalQueuedBytes', 'maxEventLoopDelayMs', 'maxPendingHandshakes'] as const;

const COMPRESSION: Readonly<Record<keyof CompressionOptions, Check>> = {
  thresholdBytes: notNegative,
  level: [(value) => isBetween(value, 1, 9), 'a whole number of 1 to 9'],
  memLevel: [(value) => isBetween(value, 1, 9), 'a whole number of 1 to 9'],
  contextTakeover: aBoolean,
  concurrency: positive,
};

const HEARTBEAT: Readonly<Record<keyof HeartbeatOptions, Check>> = { intervalMs: positive, timeoutMs: positive };

const SHUTDOWN: Readonly<Record<keyof ShutdownOptions, Check>> = {
  code: [(value) => typeof value === 'number' && isSendableCloseCode(value), 'a close code that may be sent'],
  reason: aString,
  graceMs: notNegative,
  batch: positive,
  intervalMs: notNegative,
};

const ENDPOINT: Readonly<Record<keyof EndpointOptions, Check>> = {
  serializer: [
    (value) => value === 'raw' || value === 'json' || typeof value === 'function' || isCodec(value),
    "'raw', 'json', or an object or class with encode and decode",
  ],
  handshake: aFunction,
  login: aFunction,
  origin: [isOrigin, "'same-origin', '*', a list of origins and patterns, or a function"],
  protocols: [(value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string'), 'a list of names'],
  concurrency: positive,
  limits: section(LIMITS),
  compression: [
    (value) => typeof value === 'boolean' || section(COMPRESSION)[0](value),
    'true, false, or an object of options',
  ],
  handshakeTimeoutMs: notNegative,
  closeTimeoutMs: positive,
  middleware: [
    (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'function'),
    'a list of middleware functions',
  ],
  version: aString,
};

const DECORATOR: Readonly<Record<string, Check>> = {
  ...ENDPOINT,
  path: aString,
  scope: notNegative,
  durable: aBoolean,
};

const MODULE: Readonly<Record<keyof PlackWebSocketOptions, Check>> = {
  ...ENDPOINT,
  path: aString,
  onError: aFunction,
  heartbeat: [(value) => value === false || section(HEARTBEAT)[0](value), 'false, or { intervalMs, timeoutMs }'],
  shutdown: section(SHUTDOWN),
  trustProxy: [
    (value) => ['boolean', 'number', 'string', 'function'].includes(typeof value) || Array.isArray(value),
    'true, false, a number of hops, addresses, or a function',
  ],
  userId: aFunction,
  useGlobalPrefix: aBoolean,
  gateways: aBoolean,
  context: [(value) => value === 'parameters' || value === 'async-local', "'parameters' or 'async-local'"],
};

/**
 * Checks the options of the module.
 * @throws ConfigurationError naming the option, what was expected and what came.
 */
export function readModuleOptions(given: PlackWebSocketModuleOptions = {}): PlackWebSocketOptions {
  check(given, MODULE, 'PlackWebSocketModule.forRoot');
  return Object.assign(new PlackWebSocketOptions(), defined(given));
}

/**
 * Checks the options of one endpoint and fills them up with those of the module.
 * @throws ConfigurationError naming the class and the option.
 */
export function readEndpointOptions(
  given: WsEndpointOptions,
  module: PlackWebSocketOptions,
  className: string,
): EndpointOptions & { limits: LimitsOptions } {
  const where = `@WsEndpoint of ${className}`;
  check(given, DECORATOR, where);
  const misplaced = MODULE_LIMITS.find((name) => given.limits?.[name] !== undefined);
  if (misplaced !== undefined) {
    throw new ConfigurationError(
      `${where}: limits.${misplaced} counts for all endpoints together. Set it in PlackWebSocketModule.forRoot.`,
    );
  }
  const options: EndpointOptions = Object.assign(new EndpointOptions(), pick(module), pick(given));
  return Object.assign(options, {
    limits: Object.assign(new LimitsOptions(), defined(module.limits), defined(given.limits ?? {})),
  });
}

function check(given: object, checks: Readonly<Record<string, Check>>, where: string): void {
  if (typeof given !== 'object' || given === null) throw new ConfigurationError(`${where} takes an object of options.`);
  for (const [name, value] of Object.entries(given)) {
    const known = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (known === undefined) {
      throw new ConfigurationError(
        `${where} does not know the option ${JSON.stringify(name)}. Known are: ${Object.keys(checks).join(', ')}.`,
      );
    }
    if (value === undefined) continue;
    const [test, expectation] = known;
    if (!test(value)) {
      throw new ConfigurationError(
        `${where}: ${name} must be ${expectation}, not ${show(value)}.${detail(name, value)}`,
      );
    }
  }
}

/** Groups of options, so that an error can name the member that is wrong. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  limits: LIMITS,
  heartbeat: HEARTBEAT,
  shutdown: SHUTDOWN,
  compression: COMPRESSION,
};

function detail(name: string, value: unknown): string {
  const group = Object.hasOwn(GROUPS, name) ? GROUPS[name] : undefined;
  if (group === undefined || typeof value !== 'object' || value === null) return '';
  for (const [key, entry] of Object.entries(value)) {
    const known = Object.hasOwn(group, key) ? group[key] : undefined;
    if (known === undefined) {
      return ` ${name} does not know ${JSON.stringify(key)}; known are: ${Object.keys(group).join(', ')}.`;
    }
    if (entry !== undefined && !known[0](entry)) return ` ${name}.${key} must be ${known[1]}, not ${show(entry)}.`;
  }
  return '';
}

function section(checks: Readonly<Record<string, Check>>): Check {
  return [
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(
        ([key, entry]) => Object.hasOwn(checks, key) && (entry === undefined || checks[key]?.[0](entry) === true),
      ),
    `an object with any of ${Object.keys(checks).join(', ')}`,
  ];
}

/** Without the keys whose value is `undefined`, which would hide the default. */
function defined<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function pick(values: Partial<EndpointOptions>): Partial<EndpointOptions> {
  return Object.fromEntries(
    Object.entries(values).filter(([key, value]) => Object.hasOwn(ENDPOINT, key) && value !== undefined),
  );
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isCodec(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'encode' in value &&
    typeof value.encode === 'function' &&
    'decode' in value &&
    typeof value.decode === 'function'
  );
}

function isOrigin(value: unknown): boolean {
  if (value === 'same-origin' || value === '*' || typeof value === 'function') return true;
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string' || entry instanceof RegExp);
}

function show(value: unknown): string {
  if (typeof value === 'function') return `the function ${value.name || 'without a name'}`;
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return 'an object';
  }
}
