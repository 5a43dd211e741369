import { beforeAll, describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { text } from '../support/raw-frame.js';
import { upgradeRequest } from '../support/raw-http.js';
import { RawPeer } from '../support/raw-peer.js';
import { childCounts } from './conversation/page-counts.js';

const FIXTURE = new URL('./pages.fixture.ts', import.meta.url);

const H2C = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };

function page(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`;
}

function foreign(path: string): string {
  return upgradeRequest({ path, headers: H2C });
}

describe.each([
  { platform: 'express', tls: 'off' },
  { platform: 'express', tls: 'on' },
  { platform: 'fastify', tls: 'off' },
  { platform: 'fastify', tls: 'on' },
])('requests in one packet to $platform, TLS $tls,', ({ platform, tls }) => {
  let child: ChildApp;
  beforeAll(async () => {
    child = await ChildApp.start(FIXTURE, { env: { PAGES_PLATFORM: platform, PAGES_TLS: tls } });
  });

  it('do not end the process, and are answered in their order, when one of them asks for a foreign upgrade', async () => {
    await using peer = await RawPeer.open(child.port, { tls: tls === 'on' });
    await peer.writeRaw(page('/slow/20') + foreign('/fast') + page('/fast'));
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a page after 20 ms' });
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a fast page' });
    expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
    expect(child.stderr).toBe('');
  });

  it('are answered before an upgrade of ours behind them, which is established then', async () => {
    await using peer = await RawPeer.open(child.port, { tls: tls === 'on' });
    await peer.writeRaw(page('/slow/20') + page('/fast') + upgradeRequest({ path: '/ws/echo' }));
    await peer.writeRaw(text('early'));
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a page after 20 ms' });
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a fast page' });
    expect(await peer.nextAnswer()).toMatchObject({ status: 101 });
    expect(await peer.nextFrame()).toMatchObject({ text: 'early' });
    expect(child.stderr).toBe('');
  });

  it('are answered before the refusal of an upgrade behind them', async () => {
    await using peer = await RawPeer.open(child.port, { tls: tls === 'on' });
    await peer.writeRaw(page('/slow/20') + upgradeRequest({ path: '/nowhere' }) + page('/fast'));
    expect(await peer.nextAnswer()).toMatchObject({ status: 200, body: 'a page after 20 ms' });
    expect(await peer.nextAnswer()).toMatchObject({ status: 404 });
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
    expect(child.stderr).toBe('');
  });

  it.each([
    ['an upgrade of ours', upgradeRequest({ path: '/ws/echo' })],
    ['a foreign upgrade', foreign('/endless')],
  ])('end with their client, in front of %s too', async (_what, upgrade) => {
    for (const first of ['/endless', '/last']) {
      await using peer = await RawPeer.open(child.port, { tls: tls === 'on' });
      await peer.writeRaw(page(first) + page('/endless') + page('/slow/1') + upgrade);
      expect(await childCounts(child, ({ ours }) => ours.unfinished > 0 || first === '/last')).toBeDefined();
      peer.reset();
      expect(await childCounts(child, ({ ours }) => ours.open === 0 && ours.unfinished === 0)).toMatchObject({
        ours: { open: 0, unfinished: 0, endless: 0 },
      });
    }
    expect(child.stderr).toBe('');
  });
});
