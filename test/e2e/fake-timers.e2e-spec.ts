import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { QueuedClient } from '../../src/testing.js';
import { EchoEndpoint, lastOpened } from '../support/echo-endpoint.js';
import { startApp, type StartedApp } from '../support/start-app.js';

/*
 * A test that turns fake timers on and off again without advancing them leaves callbacks behind that never run. What it
 * sent must leave all the same, and the tests behind it must find a library that still sends.
 */

afterEach(() => {
  jest.useRealTimers();
});

interface Scene {
  readonly app: StartedApp;
  readonly client: QueuedClient;
}

const WAYS: [string, (scene: Scene) => unknown][] = [
  ['a send', () => lastOpened().send('sent')],
  ['a broadcast', ({ app }) => app.registry.broadcast('sent')],
];

describe.each(WAYS)('%s while timers are fake', (_name, send) => {
  it('leaves, and so does everything after it', async () => {
    const app = await startApp({ providers: [EchoEndpoint] });
    const client = await app.connect('/ws/echo');
    jest.useFakeTimers();
    void send({ app, client });
    jest.useRealTimers();
    expect(await client.next()).toBe('sent');
    void send({ app, client });
    expect(await client.next()).toBe('sent');
    await client.send('echo');
    expect(await client.next()).toBe('echo');
  });
});
