import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, Req, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import {
  Connection,
  OnEstablish,
  OnFinish,
  WsEndpoint,
  type HandshakeHook,
  type PlackWebSocketModuleOptions,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { upgradeRequest } from '../support/raw-http.js';
import { startApp, type StartedApp } from '../support/start-app.js';

const FULL = (status: number): object => ({
  status,
  headers: expect.objectContaining({ 'retry-after': expect.stringMatching(/^[1-9]\d?$/) }),
});

interface Scene {
  readonly app: StartedApp;
  readonly finished: Journal;
}

async function boot(options: PlackWebSocketModuleOptions): Promise<Scene> {
  const finished = new Journal();
  @WsEndpoint('a')
  class First {
    @OnFinish()
    leave({ id }: Connection): void {
      finished.add(id);
    }
  }
  @WsEndpoint({ path: 'b', limits: { maxConnections: 1 } })
  class Second extends First {}
  return { app: await startApp({ endpoints: [First, Second], options }), finished };
}

describe('limits.maxConnections', () => {
  it('answers one more with 503 and Retry-After, and its place is free again after the finish', async () => {
    const { app, finished } = await boot({ limits: { maxConnections: 2 } });
    const [first] = [await app.connect('/ws/a'), await app.connect('/ws/a')];
    await expect(app.connect('/ws/a')).rejects.toMatchObject(FULL(503));
    await first.close(1000);
    await finished.next();
    await app.connect('/ws/a');
    await expect(app.connect('/ws/a')).rejects.toMatchObject(FULL(503));
  });

  it('of an endpoint counts its own, beside those of the module', async () => {
    const { app } = await boot({ limits: { maxConnections: 3 } });
    await app.connect('/ws/b');
    await expect(app.connect('/ws/b')).rejects.toMatchObject(FULL(503));
    await app.connect('/ws/a');
    await app.connect('/ws/a');
    await expect(app.connect('/ws/a')).rejects.toMatchObject(FULL(503));
  });

  it('counts a handshake that is being decided', async () => {
    const [asked, gate] = [new Gate(), new Gate()];
    const { app } = await boot({
      limits: { maxConnections: 1 },
      handshake: () => {
        asked.open();
        return gate.opened;
      },
    });
    const undecided = app.connect('/ws/a');
    await asked.opened;
    await expect(app.connect('/ws/a')).rejects.toMatchObject(FULL(503));
    gate.open();
    await undecided;
  });

  const refuse: [string, HandshakeHook][] = [
    ['refuses', () => ({ status: 403 })],
    ['refuses later', async () => ({ status: 403 })],
    ['writes its own answer', () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
    ['throws', () => Promise.reject(new ForbiddenException())],
    ['decides nothing', () => null as never],
  ];
  it.each(refuse)('gives the place back when the hook %s', async (_how, hook) => {
    const { app } = await boot({
      limits: { maxConnections: 1, maxConnectionsPerIp: 1, maxConnectionsPerUser: 1 },
      userId: () => 'somebody',
      handshake: (context, response) => (context.query['in'] === undefined ? hook(context, response) : undefined),
    });
    for (let time = 0; time < 3; time++) {
      await expect(app.connect('/ws/a')).rejects.not.toMatchObject({ status: 503 });
      await expect(app.connect('/ws/b')).rejects.not.toMatchObject({ status: 503 });
    }
    await app.connect('/ws/a?in');
  });

  it('gives the place of a client that left back when its decision has settled, and not before', async () => {
    const closed = new Journal<void>();
    let decision = new Gate();
    const { app } = await boot({
      limits: { maxConnections: 1 },
      handshake: ({ query, raw }) => {
        if (query['in'] !== undefined) return undefined;
        raw.socket.once('close', () => closed.add());
        return decision.opened;
      },
    });
    for (const leave of ['end', 'reset'] as const) {
      const peer = await app.peer();
      await peer.writeRaw(upgradeRequest({ path: '/ws/a' }));
      peer[leave]();
      await closed.next();
      await expect(app.connect('/ws/a?in')).rejects.toMatchObject({ status: 503 });
      decision.open();
      decision = new Gate();
    }
    await app.connect('/ws/a?in');
    expect(app.registry.size).toBe(1);
  });
});

describe('limits.maxConnectionsPerIp', () => {
  const from = (address: string): { headers: Record<string, string> } => ({ headers: { 'x-forwarded-for': address } });

  it('answers one more of an address with 429 and Retry-After; a proxy that is not trusted lends no other', async () => {
    const { app, finished } = await boot({ limits: { maxConnectionsPerIp: 1 } });
    const client = await app.connect('/ws/a');
    await expect(app.connect('/ws/a', from('10.0.0.1'))).rejects.toMatchObject(FULL(429));
    await client.terminate();
    await finished.next();
    await app.connect('/ws/a');
  });

  it('follows trustProxy', async () => {
    const { app } = await boot({ limits: { maxConnectionsPerIp: 1 }, trustProxy: 'loopback' });
    await app.connect('/ws/a', from('10.0.0.1'));
    await app.connect('/ws/a', from('10.0.0.2'));
    await expect(app.connect('/ws/a', from('10.0.0.1'))).rejects.toMatchObject(FULL(429));
    await expect(app.connect('/ws/a', from('10.9.9.9, 10.0.0.2'))).rejects.toMatchObject(FULL(429));
  });
});

describe('limits.maxConnectionsPerUser', () => {
  const limits = { maxConnectionsPerUser: 1 };
  const as = (user: string): { query: { user: string } } => ({ query: { user } });

  it.each<[string, (name: string) => unknown]>([
    ['its id', (name) => ({ id: name })],
    ['its sub', (name) => ({ sub: name })],
    ['itself', (name) => name],
    ['its number', (name) => name.length],
  ])('tells users apart by %s, and answers one more with 429', async (_what, user) => {
    const { app, finished } = await boot({
      limits,
      handshake: async (context) => void (context.user = user(String(context.query['user']))),
    });
    const ann = await app.connect('/ws/a', as('ann'));
    await app.connect('/ws/a', as('bobby'));
    await expect(app.connect('/ws/a', as('ann'))).rejects.toMatchObject(FULL(429));
    await ann.close(1000);
    await finished.next();
    await app.connect('/ws/a', as('ann'));
  });

  it('takes the user that a guard found, and userId where it is given', async () => {
    class Found implements CanActivate {
      canActivate(host: ExecutionContext): boolean {
        const request = host.switchToHttp().getRequest<{ url: string; user: unknown }>();
        request.user = { name: new URL(request.url, 'http://x').searchParams.get('user') };
        return true;
      }
    }
    @UseGuards(Found)
    @WsEndpoint('mine')
    class Mine {
      @OnEstablish()
      enter(@Req() _request: unknown): void {}
    }
    const userId = ({ user }: { user: unknown }): string => (user as { name: string }).name;
    const app = await startApp({ endpoints: [Mine], options: { limits, userId } });
    await app.connect('/ws/mine', as('ann'));
    await expect(app.connect('/ws/mine', as('ann'))).rejects.toMatchObject(FULL(429));
    await app.connect('/ws/mine', as('bob'));
  });

  it('does not count who is nobody', async () => {
    const { app } = await boot({ limits });
    await app.connect('/ws/a');
    await app.connect('/ws/a');
    expect(app.registry.size).toBe(2);
  });

  it('cannot be passed by handshakes that are decided at the same time', async () => {
    const gate = new Gate();
    const asked = new Journal<void>();
    const { app } = await boot({
      limits: { maxConnectionsPerUser: 2 },
      handshake: async (context) => {
        context.user = 'ann';
        asked.add();
        await gate.opened;
      },
    });
    const all = Promise.allSettled(Array.from({ length: 8 }, () => app.connect('/ws/a')));
    await asked.reached(8);
    gate.open();
    const outcomes = (await all).map((outcome) => (outcome.status === 'fulfilled' ? 101 : outcome.reason.status));
    expect(outcomes.toSorted((a, b) => a - b)).toEqual([101, 101, 429, 429, 429, 429, 429, 429]);
    expect(app.registry.size).toBe(2);
  });
});
