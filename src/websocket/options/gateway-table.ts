import { checkOptions } from '../rules/check-options.js';
import { suggest } from '../rules/nearest-name.js';
import {
  anyOf,
  callable,
  count,
  flag,
  group,
  listOf,
  openGroup,
  recognized,
  text,
  time,
  wsLimit,
  type OptionTable,
} from '../rules/option-rule.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';

const ORIGIN = anyOf(
  text('an origin'),
  recognized('a pattern', (value) => value instanceof RegExp),
);

/** Options of the package `cors`; only the first says anything about a WebSocket. */
const CORS: OptionTable = {
  origin: anyOf(flag, ORIGIN, listOf('a list of origins and patterns', ORIGIN), callable()),
};

/** What `@WebSocketGateway` may say that is honoured: options of `ws`, and `cors`. */
const GATEWAY: OptionTable = {
  path: text(),
  cors: anyOf(flag, openGroup(CORS)),
  verifyClient: callable(),
  handleProtocols: callable(),
  host: text(),
  backlog: count('connections'),
  maxPayload: wsLimit('bytes'),
  maxFragments: wsLimit('frames'),
  closeTimeout: time(1),
  perMessageDeflate: anyOf(flag, openGroup({})),
  clientTracking: flag,
  maxBufferedChunks: wsLimit('chunks'),
  maxPendingAutoPongs: wsLimit('pongs'),
  autoPong: flag,
  allowSynchronousEvents: flag,
  skipUTF8Validation: flag,
};

/** What cannot be honoured, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  namespace: 'belongs to socket.io. Use a path for each gateway',
  server: 'is not read, not by Nest either. Serve a further server with PlackWsAdapter.attach(server)',
  noServer: 'is decided by the port. Leave it out',
  port: 'is not an option of the decorator. Write it in front: @WebSocketGateway(8080, { … })',
  WebSocket: 'is the class of this library, which has to hear everything first. Leave it out',
};

/** Options that need a server which is the gateway's own. */
const OF_OWN_PORT = ['host', 'backlog'];

/**
 * Checks what a stock gateway says about its server.
 *
 * @returns a sentence for what is ignored.
 * @throws ConfigurationError for an option that is wrong or cannot be honoured, with what to do instead.
 */
export function checkGatewayOptions(options: object, port: number, where: string): readonly string[] {
  // `ws` has null as the default of most.
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => (value ?? undefined) !== undefined));
  // What it is anyway.
  if (port === 0 && given['noServer'] === true) delete given['noServer'];
  for (const [name, reason] of Object.entries(REFUSED)) {
    if (Object.hasOwn(given, name)) throw new ConfigurationError(`${where}: ${name} ${reason}.`);
  }
  for (const name of OF_OWN_PORT) {
    if (port === 0 && Object.hasOwn(given, name)) {
      throw new ConfigurationError(
        `${where}: ${name} is for a gateway with a port of its own. This one is on the server of the application, which ` +
          'listens where app.listen says.',
      );
    }
  }
  const known = Object.fromEntries(Object.entries(given).filter(([name]) => Object.hasOwn(GATEWAY, name)));
  const warnings = checkOptions(known, group(GATEWAY), { name: where });
  return [...warnings, ...ignoredOf(given, where), ...ignoredOfCors(known['cors'], where)];
}

function ignoredOf(given: object, where: string): string[] {
  return Object.keys(given)
    .filter((name) => !Object.hasOwn(GATEWAY, name))
    .map((name) => {
      const { nearest } = suggest(name, Object.keys(GATEWAY));
      const hint = nearest === undefined ? '' : ` Did you mean ${nearest}?`;
      return `${where}: ${name} is not an option of ws and is ignored, as by the stock WsAdapter.${hint}`;
    });
}

function ignoredOfCors(cors: unknown, where: string): string[] {
  if (typeof cors !== 'object' || cors === null) return [];
  const ignored = Object.keys(cors).filter((name) => !Object.hasOwn(CORS, name));
  if (ignored.length === 0) return [];
  const names = ignored.map((name) => `cors.${name}`).join(', ');
  return [`${where}: ${names} say nothing about a WebSocket and are ignored. cors.origin is the list of origins.`];
}
