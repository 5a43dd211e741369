import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { Server, WebSocket } from 'ws';
import { freePort } from '../../support/free-port.js';
import { Journal } from '../../support/journal.js';
import { startProbe } from './probe.js';
import { BOTH, byOption as OURS } from './start-gateways.js';

const PROBE = { path: '/probe' };

describe.each(BOTH)('the server of a gateway on $name', (installation) => {
  it('lets a listener for headers add lines to the 101', async () => {
    const probe = await startProbe(installation, PROBE);
    probe.gateway.server.on('headers', (lines: string[], request: IncomingMessage) => {
      lines.push(`X-Asked: ${String(request.url)}`);
    });
    const client = await probe.connect('/probe?a');
    expect(client.headers['x-asked']).toBe('/probe?a');
  });

  it('has one set of clients, which those that leave are gone from', async () => {
    const probe = await startProbe(installation, PROBE);
    const { clients } = probe.gateway.server;
    const [one] = [await probe.connect('/probe'), await probe.connect('/probe')];
    expect(probe.gateway.server.clients).toBe(clients);
    expect(clients.size).toBe(2);
    const [first] = probe.gateway.clients[0] as readonly [WebSocket, IncomingMessage];
    const gone = once(first, 'close');
    await one.close();
    await gone;
    expect(clients.size).toBe(1);
  });

  it('emits close when the application has closed, so that a heartbeat ends', async () => {
    const probe = await startProbe(installation, PROBE);
    const { server } = probe.gateway;
    // The heartbeat in the README of ws; a timer that is left over keeps the process alive.
    const interval = setInterval(() => server.clients.forEach((client) => client.ping()), 5);
    const closed = new Journal();
    server.on('close', () => {
      clearInterval(interval);
      closed.add('closed');
    });
    const client = await probe.connect('/probe');
    await once(client.raw, 'ping');
    await probe.app.app.close();
    expect(await closed.next()).toBe('closed');
  });

  it('tells its path, its options and whether it serves a request', async () => {
    const probe = await startProbe(installation, { ...PROBE, maxPayload: 5_000 });
    const { server } = probe.gateway;
    expect([server.path, server.options.maxPayload, server.options.noServer]).toEqual(['/probe', 5_000, true]);
    expect(server.shouldHandle({ url: '/probe?x' } as IncomingMessage)).toBe(true);
  });

  it('tells the address of a port of its own, and when it listens', async () => {
    const port = await freePort();
    const probe = await startProbe(installation, { host: '127.0.0.1' }, { port });
    expect(probe.gateway.server.address()).toMatchObject({ address: '127.0.0.1', port });
    expect(probe.gateway.listened).toBe(1);
  });
});

// The stock adapter works like this too, but `app.close()` then fails.
describe('the server of a gateway here', () => {
  it('lets nobody in after close, and emits close when the last client has left', async () => {
    const probe = await startProbe(OURS, PROBE);
    const { server } = probe.gateway;
    const client = await probe.connect('/probe');
    const order = new Journal();
    server.on('close', () => order.add('event'));
    server.close(() => order.add('callback'));
    await expect(probe.connect('/probe')).rejects.toMatchObject({ status: 503 });
    await client.send({ event: 'ask', data: 1 });
    expect(await client.nextJson()).toEqual({ event: 'answer', data: 1 });
    expect(order.entries).toEqual([]);
    await client.close();
    expect([...(await order.reached(2))].toSorted()).toEqual(['callback', 'event']);
  });

  it('says that it is closed to one who closes it again', async () => {
    const probe = await startProbe(OURS, PROBE);
    const { server } = probe.gateway;
    const close = (): Promise<unknown> => new Promise((resolve) => server.close(resolve));
    expect(await close()).toBeUndefined();
    expect(await close()).toMatchObject({ message: 'The server is not running' });
  });

  it('has the address of the application where it has no port of its own', async () => {
    const probe = await startProbe(OURS, PROBE);
    expect((probe.gateway.server.address() as AddressInfo).port).toBe(probe.app.port);
  });

  it('does not take an upgrade by hand, and says so', async () => {
    const probe = await startProbe(OURS, PROBE);
    const handleUpgrade = probe.gateway.server.handleUpgrade.bind(probe.gateway.server) as () => void;
    expect(handleUpgrade).toThrow(/handleUpgrade does not work on PlackWsAdapter, which takes the upgrades of \/probe/);
  });

  it.each(['close', 'headers'] as const)('survives a listener for %s that throws', async (event) => {
    const probe = await startProbe(OURS, PROBE);
    const server: Server = probe.gateway.server;
    server.once(event, () => {
      throw new Error('a secret of a listener');
    });
    if (event === 'headers') await expect(probe.connect('/probe')).rejects.toMatchObject({ code: 'connect_failed' });
    expect(await probe.ask('/probe')).toEqual({ event: 'answer', data: 1 });
    await probe.app.app.close();
    expect(probe.app.logs.at('error')).toContainEqual(expect.stringContaining('a secret of a listener'));
  });
});
