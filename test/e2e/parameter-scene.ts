import type { HandshakeHook } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const handshake: HandshakeHook = (context, response) => {
  Object.assign(context.raw, { session: { user: 'alice' } });
  return [response, 'first', { second: 2 }];
};

/** Boots a JSON endpoint behind a hook that gives a session and two results, and connects to it. */
export async function openRoom(
  endpoint: new () => object,
  path = '/ws/rooms/5?q=1',
): Promise<{ app: StartedApp; client: QueuedClient }> {
  const app = await startApp({ endpoints: [endpoint], options: { handshake, serializer: 'json' } });
  return { app, client: await app.connect(path, { headers: { 'X-Own': 'value', cookie: 'sid=1' } }) };
}
