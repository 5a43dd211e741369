import { describe, expect, it } from '@jest/globals';
import { OnEstablish, WsEndpoint, type PlackWebSocketModuleOptions } from '../../src/index.js';
import { bootError, startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('door')
class Door {
  @OnEstablish()
  enter(): void {}
}

async function boot(options: PlackWebSocketModuleOptions): Promise<{ app: StartedApp; asked: string[] }> {
  const asked: string[] = [];
  const app = await startApp({
    endpoints: [Door],
    options: { trustProxy: 'loopback', handshake: ({ ip }) => void asked.push(ip), ...options },
  });
  return { app, asked };
}

async function knock(app: StartedApp, address?: string): Promise<{ status: number; retryAfter: number }> {
  const peer = await app.peer();
  const headers = address === undefined ? {} : { 'X-Forwarded-For': address };
  const answer = await peer.upgrade({ path: '/ws/door', headers });
  return { status: answer.status, retryAfter: Number(answer.headers['retry-after'] ?? 0) };
}

describe('limits.handshakesPerMinutePerIp', () => {
  it('refuses with 429 and the time to wait, before the hook, each address by itself', async () => {
    const { app, asked } = await boot({ limits: { handshakesPerMinutePerIp: 3 } });
    for (let count = 0; count < 3; count++) expect((await knock(app, '192.0.2.1')).status).toBe(101);
    const refused = await knock(app, '192.0.2.1');
    expect(refused.status).toBe(429);
    // Three a minute are one in twenty seconds.
    expect(refused.retryAfter).toBeGreaterThan(15);
    expect(refused.retryAfter).toBeLessThanOrEqual(20);
    expect((await knock(app, '192.0.2.2')).status).toBe(101);
    expect(asked).toEqual(['192.0.2.1', '192.0.2.1', '192.0.2.1', '192.0.2.2']);
  });

  it('takes an IPv6 /64 for one address, in each spelling', async () => {
    const { app } = await boot({ limits: { handshakesPerMinutePerIp: 2 } });
    expect((await knock(app, '2001:db8::1')).status).toBe(101);
    expect((await knock(app, '[2001:DB8:0:0::2]:4711')).status).toBe(101);
    expect((await knock(app, '2001:db8::3')).status).toBe(429);
    expect((await knock(app, '2001:db8:0:1::1')).status).toBe(101);
  });

  it('counts those that are refused', async () => {
    let asked = 0;
    const { app } = await boot({
      limits: { handshakesPerMinutePerIp: 2 },
      handshake: () => {
        asked++;
        return { status: 401 };
      },
    });
    expect([(await knock(app)).status, (await knock(app)).status, (await knock(app)).status]).toEqual([401, 401, 429]);
    expect(asked).toBe(2);
  });

  it('counts no client whose address is not known', async () => {
    const { app } = await boot({ trustProxy: 'loopback', limits: { handshakesPerMinutePerIp: 1 } });
    // A proxy that says "unknown" names no address.
    for (let count = 0; count < 3; count++) expect((await knock(app, 'unknown')).status).toBe(101);
  });

  it('belongs to the module, and is a whole number', async () => {
    @WsEndpoint({ path: 'own', limits: { handshakesPerMinutePerIp: 2 } })
    class Own {
      @OnEstablish()
      enter(): void {}
    }
    expect((await bootError({ endpoints: [Own] })).message).toMatch(
      /limits\.handshakesPerMinutePerIp .*PlackWebSocketModule\.forRoot/,
    );
    const wrong = await bootError({ options: { limits: { handshakesPerMinutePerIp: 0.5 } } });
    expect(wrong.message).toMatch(
      /handshakesPerMinutePerIp must be a whole number of handshakes per minute, at least 1/,
    );
  });

  it('is warned of where clients write their address themselves', async () => {
    const { app } = await boot({ trustProxy: true, limits: { handshakesPerMinutePerIp: 2 } });
    expect(app.logs.problems.join()).toMatch(
      /limits\.handshakesPerMinutePerIp counts by addresses that clients can write themselves/,
    );
  });
});
