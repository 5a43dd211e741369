import type { IncomingMessage } from 'node:http';
import type { RequestContext } from '../connection/request-context.js';

/**
 * The upgrade request with what code written for controllers reads from a request of Express or Fastify and a bare one
 * has not. What middleware put there stays.
 */
export function toControllerRequest(context: RequestContext): IncomingMessage {
  const { raw, params, query, cookies, ip, path, url: originalUrl } = context;
  for (const [name, value] of Object.entries({ params, query, cookies, ip, path, originalUrl })) {
    if (!(name in raw)) Reflect.set(raw, name, value);
  }
  return raw;
}
