import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { QueuedClient } from '../../src/testing.js';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { LATE, RESULTS, SECRET } from './at-once/results.js';

const FIXTURE = new URL('./at-once/at-once.fixture.ts', import.meta.url);

let child: ChildApp;
const clients: QueuedClient[] = [];

async function open(path: string, headers: Record<string, string> = {}): Promise<QueuedClient> {
  const client = await connect(new URL(`http://127.0.0.1:${child.port}`), `/ws/${encodeURIComponent(path)}`, {
    headers,
  });
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) await client.terminate();
  expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
  expect(child.stderr).not.toContain('[child-guard]');
});

const INTERNAL = { code: 'internal_error', message: 'Internal server error' };

describe('a serializer', () => {
  beforeAll(async () => {
    child = await ChildApp.start(FIXTURE);
  });

  it.each(RESULTS)('whose encode gives %s is a fault of its endpoint alone', async (result) => {
    const client = await open(result);
    for (const event of ['reply', 'stream']) {
      void client.send({ event, id: event });
      expect(await client.nextJson()).toEqual({ event: 'error', id: event, data: INTERNAL });
    }
    void client.send({ event: 'send', id: 1 });
    expect(await client.nextJson()).toEqual({
      event: 'send',
      id: 1,
      data: ['MessageEncodingError', expect.stringMatching(/\.encode of CarelessEndpoint gave /)],
    });
    const json = await open('json');
    void client.send({ event: 'broadcast', id: 2 });
    expect(await client.nextJson()).toEqual({ event: 'broadcast', id: 2, data: { matched: 2, sent: 1, dropped: 1 } });
    expect(await json.next()).toBe('"bad"');
    void client.send({ event: 'echo', data: 'still there' });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: 'still there' });
  });

  it('of two functions of JSON has no form for undefined, which rejects', async () => {
    const client = await open('plain');
    void client.send({ event: 'send nothing' });
    expect(await client.nextJson()).toMatchObject({
      data: expect.stringContaining('serializer.encode of CarelessEndpoint gave undefined, neither a string nor bytes'),
    });
  });

  it.each(LATE)('whose decode gives %s is a fault of the application, not of the peer', async (result) => {
    const client = await open(result);
    void client.send('bad');
    expect(await client.nextJson()).toEqual({ event: 'error', data: INTERNAL });
    void client.send({ event: 'echo', data: 'still there' });
    expect(await client.nextJson()).toEqual({ event: 'echo', data: 'still there' });
  });

  it('is named in the log with its class, method and endpoint', async () => {
    await child.settled();
    const log = child.stdout + child.stderr;
    expect(log).toContain('Careless.encode of CarelessEndpoint gave undefined, neither a string nor bytes');
    expect(log).toContain('Careless.encode of CarelessEndpoint gave a promise; it has to answer at once');
    expect(log).toContain('Careless.decode of CarelessEndpoint gave a promise; it has to answer at once');
  });
});

describe('a callback of the options', () => {
  it.each(LATE)('userId that gives %s refuses with 500 and says why', async (result) => {
    child = await ChildApp.start(FIXTURE, { env: { USER_ID: result } });
    await expect(open('json')).rejects.toMatchObject({ status: 500, body: expect.not.stringContaining(SECRET) });
    await child.settled();
    expect(child.stderr).toContain('userId gave a promise; it has to answer at once');
  });

  it.each(LATE)('trustProxy that gives %s trusts nobody and says why', async (result) => {
    child = await ChildApp.start(FIXTURE, { env: { TRUST_PROXY: result } });
    const headers = { 'x-forwarded-host': 'elsewhere.example', origin: 'http://elsewhere.example' };
    await expect(open('json', headers)).rejects.toMatchObject({ status: 500 });
    await child.settled();
    expect(child.stderr).toContain('trustProxy gave a promise; it has to answer at once');
  });
});
