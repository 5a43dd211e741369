import { Scope, VERSION_NEUTRAL } from '@nestjs/common';
import type { CompressionOptions } from '../connection/compression.options.js';
import type { HeartbeatOptions } from '../limits/heartbeat.options.js';
import type { LimitsOptions } from '../limits/limits.options.js';
import type { RateOptions } from '../limits/rate.options.js';
import type { UserConnectionsOptions } from '../limits/user-connections.options.js';
import type { EndpointOptions, WsEndpointOptions } from '../endpoint/endpoint.options.js';
import type { ShutdownOptions } from '../lifecycle/finish/shutdown.options.js';
import { isSendableCloseCode } from '../protocol/close-code.js';
import { isHost } from '../request/public-names.js';
import { isAnchored } from './anchored-pattern.js';
import {
  anyOf,
  between,
  callable,
  choice,
  count,
  flag,
  group,
  listOf,
  onlyOnModule,
  recognized,
  text,
  time,
  timeOrNone,
  warning,
  wsLimit,
  type OptionTable,
} from '../rules/option-rule.js';

/*
 * What every option may be, a table for each class of options. The classes have the defaults and say what the options
 * mean; `Record<keyof …>` holds the two together.
 */

const closeCode = recognized(
  'a close code that may be sent',
  (value) => typeof value === 'number' && isSendableCloseCode(value),
);

const USER_CONNECTIONS: OptionTable<keyof UserConnectionsOptions> = {
  max: count('connections'),
  exceeded: choice('refuse', 'replace'),
  code: closeCode,
};

export const RATE: OptionTable<keyof RateOptions> = {
  perSecond: recognized('a number of messages per second above 0', isRate),
  burst: count('messages'),
  by: choice('connection', 'user', 'ip'),
  events: listOf('a list of events', text('the name of an event')),
  exceeded: choice('answer', 'close'),
};

export const LIMITS: OptionTable<keyof LimitsOptions> = {
  maxPayloadBytes: wsLimit('bytes'),
  maxFragments: wsLimit('frames'),
  maxPendingMessages: count('messages'),
  maxPendingBytes: count('bytes'),
  maxBufferedBytes: count('bytes'),
  overflow: choice('close', 'drop'),
  maxConnections: count('connections'),
  maxConnectionsPerIp: count('connections'),
  maxConnectionsPerUser: anyOf(count('connections'), group(USER_CONNECTIONS)),
  maxChannels: count('channels'),
  maxStreams: count('streams'),
  idleTimeoutMs: timeOrNone(),
  maxLifetimeMs: timeOrNone(),
  firstMessageTimeoutMs: timeOrNone(),
  messageTimeoutMs: timeOrNone(),
  handlerTimeoutMs: timeOrNone(),
  lateHandlerMs: timeOrNone(),
  messagesPerSecond: count('messages per second'),
  rate: anyOf(group(RATE), callable()),
  emptyFramesPerSecond: { ...count('frames per second'), zero: 'no limit' },
  maxTotalQueuedBytes: onlyOnModule(count('bytes')),
  maxEventLoopDelayMs: onlyOnModule(time(1)),
  maxPendingHandshakes: onlyOnModule(count('handshakes')),
  maxPendingHandshakesPerIp: onlyOnModule(count('handshakes')),
  handshakesPerMinutePerIp: onlyOnModule(count('handshakes per minute')),
};

export const COMPRESSION: OptionTable<keyof CompressionOptions> = {
  thresholdBytes: count('bytes', 0),
  // Levels of zlib. The 0 of `level` would be none at all, at the price of the frames around it.
  level: between(1, 9),
  memLevel: between(1, 9),
  contextTakeover: flag,
  concurrency: count('messages'),
};

export const HEARTBEAT: OptionTable<keyof HeartbeatOptions> = { intervalMs: time(1), timeoutMs: time(1) };

export const SHUTDOWN: OptionTable<keyof ShutdownOptions> = {
  code: closeCode,
  reason: text(),
  graceMs: time(0),
  closeTimeoutMs: time(0),
  batch: count('connections'),
  // The drain adds up to half of it at random.
  intervalMs: time(0, 1.5),
};

const PATTERN = warning(recognized('a pattern', isPattern), warnOfOpenPattern);

const VERSION = anyOf(
  text('a version'),
  recognized('VERSION_NEUTRAL', (value) => value === VERSION_NEUTRAL),
);

const ORIGINS = listOf('a list of origins and patterns', anyOf(text('an origin'), PATTERN));

export const ENDPOINT: OptionTable<keyof EndpointOptions> = {
  serializer: anyOf(choice('raw', 'json'), recognized('an object or class with encode and decode', isSerializer)),
  handshake: callable('a class'),
  login: callable('a class'),
  expiresAt: callable(),
  origin: anyOf(choice('same-origin', '*'), ORIGINS, callable()),
  protocols: listOf('a list of names', text('a name')),
  protocolRequired: flag,
  concurrency: count('messages'),
  heartbeat: anyOf(choice(false), group(HEARTBEAT)),
  limits: group(LIMITS),
  compression: anyOf(flag, group(COMPRESSION)),
  handshakeTimeoutMs: timeOrNone(),
  closeTimeoutMs: time(1),
  middleware: listOf('a list of middleware functions', callable()),
  around: callable(),
  version: anyOf(VERSION, listOf('a list of versions', VERSION)),
};

const host = recognized("a host such as 'app.example', 'app.example:8443' or '*.app.example'", isHost);

/** What `@WsEndpoint` takes beside the options that the module has as well. */
export const WS_ENDPOINT: OptionTable<keyof WsEndpointOptions> = {
  ...ENDPOINT,
  handshake: anyOf(callable('a class'), group({ replace: callable('a class') }, ['replace'])),
  path: text(),
  host: anyOf(host, listOf('a list of hosts', host)),
  scope: recognized('a Scope of @nestjs/common', (value) => Object.values(Scope).includes(value as Scope)),
  durable: flag,
  parts: listOf('a list of classes', callable('a class')),
};

function isRate(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && Number.isFinite(value);
}

function isPattern(value: unknown): boolean {
  return value instanceof RegExp;
}

function warnOfOpenPattern(value: unknown): string | undefined {
  if (isAnchored(value as RegExp)) return undefined;
  return (
    `is ${String(value)}, which also fits a part of a longer origin, as of https://app.example.evil.example. ` +
    'Begin the pattern with ^ and end it with $.'
  );
}

/** A class without the methods is found when its instance is there. */
function isSerializer(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { encode, decode } = value as { encode?: unknown; decode?: unknown };
  return typeof encode === 'function' && typeof decode === 'function';
}
