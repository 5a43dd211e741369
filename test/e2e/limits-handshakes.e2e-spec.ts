import { beforeEach, describe, expect, it } from '@jest/globals';
import { Catch, type ExceptionFilter } from '@nestjs/common';
import fc from 'fast-check';
import { OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { upgradeRequest } from '../support/raw-http.js';
import type { RawPeer } from '../support/raw-peer.js';
import { afterTest, startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

@WsEndpoint('probe')
class Probe {
  @OnEstablish()
  enter(): void {}
}

function boot(options: PlackWebSocketModuleOptions, spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ ...spec, endpoints: [Probe], options });
}

/** What becomes of an undecided handshake. */
const FATES = ['accept', 'refuse', 'throw', 'end', 'reset', 'destroy'] as const;
type Fate = (typeof FATES)[number];

describe('undecided handshakes', () => {
  it('leave no trace in the counters, whatever becomes of them and in whatever order', async () => {
    const waiting = new Map<string, { gate: Gate<unknown>; gone: Promise<unknown> }>();
    const asked = new Journal();
    const most = 6;
    const app = await boot({
      limits: { maxPendingHandshakes: most, maxConnections: most },
      handshake: ({ query, raw }) => {
        const gate = new Gate<unknown>();
        const gone = new Promise((resolve) => raw.socket.once('close', resolve));
        waiting.set(String(query['name']), { gate, gone });
        asked.add(String(query['name']));
        return gate.opened as Promise<undefined>;
      },
    });
    let named = 0;
    const seal = async (name: string, fate: Fate, peer: RawPeer): Promise<void> => {
      const { gate, gone } = waiting.get(name) ?? { gate: new Gate<unknown>(), gone: Promise.resolve() };
      if (fate === 'end') peer.end();
      else if (fate === 'reset') peer.reset();
      else if (fate === 'destroy') peer.socket.destroy();
      else if (fate === 'throw') gate.fail(new Error('no'));
      else gate.open(fate === 'refuse' ? { status: 403 } : undefined);
      if (fate === 'accept') expect((await peer.nextAnswer()).status).toBe(101);
      if (fate === 'refuse' || fate === 'throw') expect((await peer.nextAnswer()).status).toBeLessThan(500);
      await peer[Symbol.asyncDispose]();
      await gone;
      gate.open(undefined);
    };
    const fates = fc.array(fc.constantFrom(...FATES), { minLength: most, maxLength: most });
    await fc.assert(
      fc.asyncProperty(fates, fc.boolean(), async (all, together) => {
        const names = all.map(() => String(named++));
        const peers = await Promise.all(names.map(() => app.peer()));
        await Promise.all(
          peers.map((peer, i) => peer.writeRaw(upgradeRequest({ path: `/ws/probe?name=${names[i]}` }))),
        );
        // Every place is free at the start of every run, or one of these would not be asked.
        await asked.reached(named);
        const ends = all.map((fate, i) => () => seal(names[i] ?? '', fate, peers[i] as RawPeer));
        if (together) await Promise.all(ends.map((end) => end()));
        else for (const end of ends) await end();
      }),
      { numRuns: 25 },
    );
    expect(app.registry.size).toBe(0);
    expect(app.logs.at('error')).toEqual([]);
  });
});

describe('an answer that takes for ever', () => {
  let stuck: Gate<undefined>;
  beforeEach(() => {
    stuck = new Gate();
  });

  /** The application must be able to stop, even when the test failed. */
  async function bootStuck(options: PlackWebSocketModuleOptions, spec: AppSpec = {}): Promise<StartedApp> {
    const app = await boot(options, spec);
    afterTest(() => stuck.open(undefined));
    return app;
  }

  it('of onError is given up after handshakeTimeoutMs: the default answer is sent', async () => {
    const app = await bootStuck({ handshakeTimeoutMs: 20, onError: () => stuck.opened });
    const peer = await app.peer();
    expect(await peer.upgrade({ path: '/ws/probe', key: 'bad' })).toMatchObject({ status: 400 });
  });

  it('of an exception filter is given up after handshakeTimeoutMs: the default answer is sent', async () => {
    @Catch()
    class Stuck implements ExceptionFilter {
      catch(): Promise<undefined> {
        return stuck.opened;
      }
    }
    const hook = { handshakeTimeoutMs: 20, handshake: () => Promise.reject(new Error('no')) };
    const app = await bootStuck(hook, { configure: (nest) => nest.useGlobalFilters(new Stuck()) });
    const peer = await app.peer();
    expect((await peer.upgrade({ path: '/ws/probe' })).status).toBeGreaterThanOrEqual(400);
  });

  it.each(['end', 'reset'] as const)('does not keep the socket of a client that has left (%s)', async (leave) => {
    const asked = new Journal<void>();
    const closed = new Journal<void>();
    const app = await bootStuck({
      onError: ({ context }) => {
        context.raw.socket.once('close', () => closed.add());
        asked.add();
        return stuck.opened;
      },
    });
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/probe', key: 'bad' }));
    await asked.next();
    peer[leave]();
    await expect(closed.next()).resolves.toBeUndefined();
  });
});
