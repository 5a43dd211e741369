import { beforeEach, describe, expect, it } from '@jest/globals';
import { Catch, Injectable, type CanActivate, type ExceptionFilter, type ExecutionContext } from '@nestjs/common';
import {
  FinishInfo,
  OnEstablish,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type RequestContext,
} from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { upgradeRequest } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { afterTest, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

@WsEndpoint('probe')
class Probe {
  @OnEstablish()
  enter(): void {}
}

const PATH = '/ws/probe';
/** A limit that is passed many times over. */
const MOST = 3;
const limits = { maxPendingHandshakes: MOST };

/** Code of the application that waits: how often it was called, and how often at the same time. */
class Work {
  readonly begun = new Journal<RequestContext>();
  readonly gate = new Gate();
  running = 0;
  most = 0;

  constructor() {
    // The application must be able to stop, even when the test failed.
    afterTest(() => this.gate.open());
  }

  readonly run = async (context: RequestContext): Promise<void> => {
    this.most = Math.max(this.most, ++this.running);
    this.begun.add(context);
    await this.gate.opened;
    this.running--;
  };
}

let work: Work;
beforeEach(() => {
  work = new Work();
});

function boot(options: PlackWebSocketModuleOptions, spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Probe], options: { limits, ...options }, ...spec });
}

/** A client whose handshake is asked, and the end of its socket on the side of the server. */
async function held(app: StartedApp): Promise<{ peer: RawPeer; gone: Promise<unknown> }> {
  const peer = await app.peer();
  await peer.writeRaw(upgradeRequest({ path: PATH }));
  const { raw } = await work.begun.next();
  return { peer, gone: new Promise((resolve) => raw.socket.once('close', resolve)) };
}

async function statusOf(app: StartedApp, headers: Record<string, string> = {}): Promise<number> {
  return (await (await app.peer()).upgrade({ path: PATH, headers })).status;
}

/** Where code of the application may take its time in a handshake. */
const PLACES: readonly (readonly [string, (run: Work['run']) => [PlackWebSocketModuleOptions, AppSpec?]])[] = [
  ['hook', (run) => [{ handshake: run }]],
  ['login', (run) => [{ login: (context) => run(context).then(() => true) }]],
  [
    'guard',
    (run) => {
      class Waiting implements CanActivate {
        canActivate(host: ExecutionContext): Promise<boolean> {
          const raw = host.switchToHttp().getRequest<RequestContext['raw']>();
          return run({ raw } as RequestContext).then(() => true);
        }
      }
      return [{}, { configure: (app) => app.useGlobalGuards(new Waiting()) }];
    },
  ],
  ['onError', (run) => [{ login: () => false, onError: ({ context }) => run(context) }]],
  [
    'an exception filter',
    (run) => {
      @Catch()
      class Waiting implements ExceptionFilter {
        catch(_error: unknown, host: ExecutionContext): Promise<void> {
          const raw = host.switchToHttp().getRequest<RequestContext['raw']>();
          return run({ raw } as RequestContext);
        }
      }
      const refuse = (): never => {
        throw new Error('no');
      };
      return [{ handshake: refuse }, { configure: (app) => app.useGlobalFilters(new Waiting()) }];
    },
  ],
];

describe.each(PLACES)('a client that leaves keeps its place while its %s runs,', (_what, application) => {
  it('so clients that come and leave do not make it run more often than the limit says', async () => {
    const app = await boot(...application(work.run));
    for (let i = 0; i < MOST; i++) {
      const { peer, gone } = await held(app);
      peer.reset();
      await gone;
    }
    for (let i = 0; i < 2 * MOST; i++) {
      const { status, headers } = await (await app.peer()).upgrade({ path: PATH });
      expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    }
    expect(work.most).toBe(MOST);
    work.gate.open();
    const { peer } = await held(app);
    expect((await peer.nextAnswer()).status).not.toBe(503);
  });
});

describe('a handshake that was answered with 408', () => {
  it('keeps its place for as much time again, then it is given to others with a line in the log', async () => {
    const app = await boot({ limits: { maxPendingHandshakes: 1 }, handshakeTimeoutMs: 300, handshake: work.run });
    const { peer } = await held(app);
    expect((await peer.nextAnswer()).status).toBe(408);
    expect(await statusOf(app)).toBe(503);
    await app.logs.waitFor('error', /still runs for a handshake of \/ws\/probe that is over/);
    await held(app);
    expect(work.running).toBe(2);
  });

  it('gives its place back when its code has settled', async () => {
    const app = await boot({ limits: { maxPendingHandshakes: 1 }, handshakeTimeoutMs: 300, handshake: work.run });
    const { peer } = await held(app);
    expect((await peer.nextAnswer()).status).toBe(408);
    work.gate.open();
    expect(await statusOf(app)).toBe(101);
    expect(app.logs.problems).toEqual([]);
  });

  it('keeps its place among the connections too, so that what runs for it is counted', async () => {
    const limit = { maxConnections: 1 };
    const app = await boot({ limits: limit, handshakeTimeoutMs: 300, handshake: work.run });
    const { peer } = await held(app);
    expect((await peer.nextAnswer()).status).toBe(408);
    expect(await statusOf(app)).toBe(503);
    work.gate.open();
    expect(await statusOf(app)).toBe(101);
  });
});

describe('onError', () => {
  it('is not asked more often at a time than there are places, whatever refuses', async () => {
    const app = await boot({ onError: ({ context }) => work.run(context) });
    const paths = ['/ws/probe', '/ws/elsewhere'];
    for (let i = 0; i < 4 * MOST; i++) {
      const peer = await app.peer();
      await peer.writeRaw(upgradeRequest({ path: paths[i % 2] as string, key: 'bad' }));
      if (i < MOST) await work.begun.next();
      else expect((await peer.nextAnswer()).status).toBeGreaterThanOrEqual(400);
    }
    expect(work.most).toBe(MOST);
  });

  it('that answers at once is asked also when all places are taken', async () => {
    const told = new Journal();
    const options = { limits: { maxPendingHandshakes: 1 }, handshake: work.run };
    const app = await boot({ ...options, onError: ({ error }) => told.add(error) });
    await held(app);
    expect(await statusOf(app)).toBe(503);
    expect(told.entries).toEqual(['too many connections']);
  });
});

describe('limits.maxPendingHandshakesPerIp', () => {
  const from = (address: string): Record<string, string> => ({ 'X-Forwarded-For': address });

  /** Holds so many handshakes of an address. */
  async function hold(app: StartedApp, count: number, address: string): Promise<void> {
    for (let i = 0; i < count; i++) {
      const peer = await app.peer();
      await peer.writeRaw(upgradeRequest({ path: PATH, headers: from(address) }));
      await work.begun.next();
    }
  }

  function bootBehindProxy(maxPendingHandshakes: number, perIp?: number): Promise<StartedApp> {
    return boot({
      trustProxy: 'loopback',
      limits: {
        maxPendingHandshakes,
        ...(perIp === undefined ? {} : { maxPendingHandshakesPerIp: perIp }),
      },
      handshake: work.run,
    });
  }

  it.each(['203.0.113.7', '127.0.0.1', '10.1.2.3'])(
    'answers one more of %s with 429 and Retry-After, and takes others',
    async (address) => {
      const app = await bootBehindProxy(100, 2);
      await hold(app, 2, address);
      const { status, headers } = await (await app.peer()).upgrade({ path: PATH, headers: from(address) });
      expect([status, headers['retry-after']]).toEqual([429, expect.stringMatching(/^\d+$/)]);
      await hold(app, 1, '203.0.113.8');
    },
  );

  it('counts an IPv6 /64 as one address', async () => {
    const app = await bootBehindProxy(100, 1);
    await hold(app, 1, '2001:db8::1');
    expect(await statusOf(app, from('2001:db8::ffff:2'))).toBe(429);
  });

  it('is a tenth of all by default, and only while half of all are taken', async () => {
    const app = await bootBehindProxy(20);
    await hold(app, 10, '203.0.113.7');
    expect(await statusOf(app, from('203.0.113.7'))).toBe(429);
    await hold(app, 2, '203.0.113.8');
    expect(await statusOf(app, from('203.0.113.8'))).toBe(429);
  });

  it.each(['127.0.0.1', '::1', '10.1.2.3', '172.16.0.1', '192.168.1.1', 'fd00::1', 'fe80::1', 'unknown'])(
    'has no default for %s, behind which there may be many clients',
    async (address) => {
      const app = await bootBehindProxy(20);
      await hold(app, 20, address);
      expect(await statusOf(app, from(address))).toBe(503);
    },
  );

  it('is warned of where clients write their address themselves', async () => {
    const app = await boot({ trustProxy: true, limits: { maxPendingHandshakesPerIp: 2 } });
    expect(app.logs.at('warn')).toEqual([expect.stringContaining('limits.maxPendingHandshakesPerIp')]);
  });
});

describe('context.signal', () => {
  const aborted = new Map<RequestContext, Promise<unknown>>();
  const listen = (context: RequestContext): Promise<void> => {
    const { signal } = context;
    aborted.set(context, new Promise((resolve) => signal.addEventListener('abort', () => resolve(signal.reason))));
    return work.run(context);
  };

  async function asked(app: StartedApp): Promise<{ peer: RawPeer; context: RequestContext; reason: Promise<unknown> }> {
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: PATH }));
    const context = await work.begun.next();
    return { peer, context, reason: aborted.get(context) ?? Promise.reject(new Error('not asked')) };
  }

  it.each(['end', 'reset'] as const)('aborts when the client leaves (%s)', async (leave) => {
    const app = await boot({ handshake: listen });
    const { peer, context, reason } = await asked(app);
    expect(context.signal.aborted).toBe(false);
    peer[leave]();
    expect(await reason).toMatchObject({ name: 'AbortError' });
  });

  it('aborts with the 408', async () => {
    const app = await boot({ handshakeTimeoutMs: 50, handshake: listen });
    const { peer, reason } = await asked(app);
    expect((await peer.nextAnswer()).status).toBe(408);
    expect(await reason).toMatchObject({ name: 'AbortError', message: expect.stringContaining('handshakeTimeoutMs') });
  });

  it('aborts when the handshake is refused, also for code that a hook has left behind', async () => {
    const app = await boot({ handshake: (context) => void listen(context), login: () => true, protocols: [] });
    const refusing = await boot({
      handshake: (context) => {
        void listen(context);
        return { status: 403 };
      },
    });
    const { peer, reason } = await asked(refusing);
    expect((await peer.nextAnswer()).status).toBe(403);
    expect(await reason).toMatchObject({ name: 'AbortError' });
    const accepted = await asked(app);
    expect((await accepted.peer.nextAnswer()).status).toBe(101);
    expect(accepted.context.signal.aborted).toBe(false);
  });

  it('aborts after the 101 when the connection is over', async () => {
    const app = await boot({ handshake: (context) => void listen(context) });
    const { peer, context, reason } = await asked(app);
    await peer.nextAnswer();
    peer.reset();
    expect(await reason).toBeInstanceOf(FinishInfo);
    expect(context.signal.aborted).toBe(true);
  });

  it('is aborted where it is first read afterwards', async () => {
    const app = await boot({ handshakeTimeoutMs: 50, handshake: work.run });
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: PATH }));
    const context = await work.begun.next();
    expect((await peer.nextAnswer()).status).toBe(408);
    expect(context.signal.aborted).toBe(true);
  });
});

describe('what has not begun when the client leaves', () => {
  const begun = new Journal();

  @Injectable()
  class Second implements CanActivate {
    canActivate(): boolean {
      begun.add('guard');
      return true;
    }
  }

  it.each<[string, (run: Work['run']) => PlackWebSocketModuleOptions]>([
    [
      'middleware',
      (run) => ({
        middleware: [
          (raw: RequestContext['raw'], _response: unknown, next: () => void) =>
            void run({ raw } as RequestContext).then(next),
          (_request: unknown, _response: unknown, next: () => void) => {
            begun.add('middleware');
            next();
          },
        ],
        login: () => begun.add('login') === undefined,
      }),
    ],
    ['login', (run) => ({ login: (context) => run(context).then(() => true), handshake: () => begun.add('hook') })],
    ['hook', (run) => ({ handshake: run })],
    [
      'origin',
      (run) => ({
        origin: (_origin, context) => run(context).then(() => true),
        login: () => begun.add('login') === undefined,
      }),
    ],
  ])('is not called: after %s', async (_what, options) => {
    const app = await boot(options(work.run), { configure: (nest) => nest.useGlobalGuards(new Second()) });
    const { peer, gone } = await held(app);
    peer.reset();
    await gone;
    work.gate.open();
    await app.app.close();
    expect(begun.entries).toEqual([]);
  });
});
