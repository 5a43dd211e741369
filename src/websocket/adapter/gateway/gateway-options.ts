import type { IncomingMessage } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { CompressionOptions } from '../../connection/compression.options.js';
import type { GatewaySockets } from '../../endpoint/endpoint.js';
import type { WsEndpointOptions } from '../../endpoint/endpoint.options.js';
import type { LimitsOptions } from '../../limits/limits.options.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import type { DiscoveredGateway } from '../nest/gateway-discovery.js';
import type { PublicNames } from '../../request/public-names.js';
import { originOf, type CorsOptions } from './gateway-origin.js';

/** What `verifyClient` of `ws` is asked about. */
export interface ClientInfo {
  readonly origin: string | undefined;
  readonly secure: boolean;
  readonly req: IncomingMessage;
}

/** How the second form of `verifyClient` answers. */
export type VerifyCallback = (
  verified: unknown,
  code?: number,
  message?: string,
  headers?: Readonly<Record<string, string>>,
) => void;

/** What `@WebSocketGateway` may say about its server: the options of `ws` and of the stock adapter. */
export interface GatewayOptions {
  readonly path?: string;
  readonly namespace?: unknown;
  readonly cors?: boolean | CorsOptions;
  readonly verifyClient?: (info: ClientInfo, callback: VerifyCallback) => unknown;
  readonly handleProtocols?: (protocols: Set<string>, request: IncomingMessage) => unknown;
  readonly host?: string;
  readonly backlog?: number;
  readonly maxPayload?: number;
  readonly maxFragments?: number;
  readonly closeTimeout?: number;
  readonly perMessageDeflate?: boolean | DeflateOptions;
  readonly clientTracking?: boolean;
  readonly maxBufferedChunks?: number;
  readonly maxPendingAutoPongs?: number;
  readonly autoPong?: boolean;
  readonly allowSynchronousEvents?: boolean;
  readonly skipUTF8Validation?: boolean;
}

/** The options of permessage-deflate of `ws` that have a name here as well. */
interface DeflateOptions {
  readonly threshold?: number;
  readonly concurrencyLimit?: number;
}

/** Options that go to `ws` as they are. */
const FOR_WS = [
  'maxBufferedChunks',
  'maxPendingAutoPongs',
  'autoPong',
  'allowSynchronousEvents',
  'skipUTF8Validation',
] as const satisfies readonly (keyof GatewayOptions)[];

/**
 * The options of a server that several gateways share. Nest makes it with those of the first one it comes to, and what the
 * others say is lost; here it counts too.
 *
 * @throws ConfigurationError where two of them differ about one option.
 */
export function joinOptions(gateways: readonly Pick<DiscoveredGateway, 'metatype' | 'options'>[]): GatewayOptions {
  const joined: Record<string, unknown> = {};
  const saidBy = new Map<string, string>();
  for (const { metatype, options } of gateways) {
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined || value === null) continue;
      const other = saidBy.get(name);
      if (other !== undefined && name !== 'path' && !isDeepStrictEqual(joined[name], value)) {
        throw new ConfigurationError(
          `@WebSocketGateway of ${other} and of ${metatype.name} share a server and differ about ${name}. ` +
            'Give both the same value, leave it out of one, or give them different paths.',
        );
      }
      joined[name] ??= value;
      saidBy.set(name, metatype.name);
    }
  }
  return joined;
}

/** What the options of a gateway are as options of an endpoint. */
export function toEndpointOptions(options: GatewayOptions, names: PublicNames): WsEndpointOptions {
  const { maxPayload, maxFragments, closeTimeout, perMessageDeflate } = options;
  return defined({
    origin: originOf(options.cors, names),
    limits: defined<LimitsOptions>({ maxPayloadBytes: maxPayload, maxFragments }),
    compression: typeof perMessageDeflate === 'object' ? toCompression(perMessageDeflate) : perMessageDeflate,
    closeTimeoutMs: closeTimeout,
  });
}

/** What the options of a gateway say to `ws` beside what an endpoint says as well. */
export function toSocketOptions(options: GatewayOptions): Omit<GatewaySockets, 'onHeaders'> {
  const { perMessageDeflate } = options;
  return {
    options: defined(Object.fromEntries(FOR_WS.map((name) => [name, options[name]]))),
    deflate: typeof perMessageDeflate === 'object' ? perMessageDeflate : undefined,
  };
}

function toCompression({ threshold, concurrencyLimit }: DeflateOptions): Partial<CompressionOptions> {
  return defined<CompressionOptions>({ thresholdBytes: threshold, concurrency: concurrencyLimit });
}

function defined<T extends object>(values: { readonly [Key in keyof T]?: T[Key] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
