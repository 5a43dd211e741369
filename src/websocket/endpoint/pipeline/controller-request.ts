import type { IncomingMessage } from 'node:http';
import { peerAddress } from '../../request/ip-address.js';
import type { RequestContext } from '../../request/request-context.js';

/**
 * What requests of Express and Fastify have and a bare one has not; each is read of the context when it is asked for. Where a
 * name is missing, a guard finds nothing of what it refuses, and so refuses nothing.
 */
const LENT: Readonly<Record<string, (context: RequestContext) => unknown>> = {
  params: ({ params }) => params,
  query: ({ query }) => query,
  cookies: ({ cookies }) => cookies,
  ip: ({ ip }) => ip,
  ips: ({ ip, raw }) => (ip === peerAddress(raw.socket.remoteAddress) ? [] : [ip]),
  path: ({ path }) => path,
  originalUrl: ({ url }) => url,
  host: ({ host }) => host,
  hostname: ({ host }) => host?.replace(/:\d*$/, ''),
  protocol: ({ secure }) => (secure ? 'https' : 'http'),
  secure: ({ secure }) => secure,
  get: ({ raw }) => headerOf(raw),
  header: ({ raw }) => headerOf(raw),
};

/** How Express reads a header. */
function headerOf({ headers }: IncomingMessage): (name: string) => string | readonly string[] | undefined {
  return (name) => {
    const lower = name.toLowerCase();
    return lower === 'referrer' ? (headers.referer ?? headers[lower]) : headers[lower];
  };
}

/** Where a request keeps its context. */
const CONTEXT = Symbol('plack:context');

/** `request.user` is `connection.user`, also where a guard of a message sets it. */
const USER: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get(this: { readonly [CONTEXT]?: RequestContext }): unknown {
    return this[CONTEXT]?.user;
  },
  set(this: { readonly [CONTEXT]?: RequestContext }, user: unknown): void {
    const context = this[CONTEXT];
    if (context !== undefined) context.user = user;
  },
};

/** The prototypes of requests, each with one that has the lent names in front of it. */
const prototypes = new WeakMap<object, object>();

/**
 * The upgrade request with what code written for controllers reads from a request of Express or Fastify: the same object
 * in the handshake and on every message of its connection, so that guards find there what they left. What middleware put
 * on it stays, and what is written to it counts from then on.
 */
export function toControllerRequest(context: RequestContext): IncomingMessage {
  const { raw } = context;
  if (!(CONTEXT in raw)) {
    Object.defineProperty(raw, CONTEXT, { value: context });
    context.takeUser(USER);
    const prototype: object = Object.getPrototypeOf(raw) as object;
    Object.setPrototypeOf(raw, prototypes.get(prototype) ?? lendTo(prototype));
  }
  return raw;
}

function lendTo(prototype: object): object {
  const lending: object = Object.create(prototype) as object;
  for (const [name, read] of Object.entries(LENT)) {
    if (name in prototype) continue;
    Object.defineProperty(lending, name, {
      configurable: true,
      get(this: { readonly [CONTEXT]?: RequestContext }): unknown {
        const context = this[CONTEXT];
        return context === undefined ? undefined : read(context);
      },
      set(this: object, value: unknown): void {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
      },
    });
  }
  prototypes.set(prototype, lending);
  return lending;
}
