import { describe, expect, it } from '@jest/globals';
import type { PlackWebSocketModuleOptions } from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import type { UpgradeSpec } from '../support/raw-http.js';
import { EchoScene, type EchoSpec } from './support/echo-scene.js';

type Headers = NonNullable<UpgradeSpec['headers']>;

async function statusOf(scene: EchoScene, headers: Headers): Promise<number> {
  const peer = await scene.app.peer();
  return (await peer.upgrade({ path: '/ws/echo', headers })).status;
}

const from = (Origin: string | readonly string[], Host = 'app.example'): Headers => ({ Host, Origin });

describe('RFC 6455 §10.2: the origin', () => {
  describe('by default must be the one of the request', () => {
    it.each<[string, Headers]>([
      ['no origin at all, as from any client that is no browser', { Host: 'app.example' }],
      ['the same host', from('http://app.example')],
      ['the default port, named in the origin', from('http://app.example:80')],
      ['the default port, named in Host', from('http://app.example', 'app.example:80')],
      ['the same port', from('http://app.example:3000', 'app.example:3000')],
      ['upper case in the origin', from('HTTP://APP.Example')],
      ['upper case in Host', from('http://app.example', 'APP.EXAMPLE')],
      ['a trailing dot on both sides', from('http://app.example.', 'app.example.')],
      ['an IPv6 address', from('http://[::1]:3000', '[::1]:3000')],
      ['an IPv6 address in another form', from('http://[0:0:0:0:0:0:0:1]:3000', '[::1]:3000')],
      ['an internationalized name, as browsers send it', from('http://xn--bcher-kva.example', 'xn--bcher-kva.example')],
    ])('takes %s', async (_what, headers) => {
      expect(await statusOf(await EchoScene.start(), headers)).toBe(101);
    });

    it.each<[string, Headers]>([
      ['null', from('null')],
      ['an empty origin', from('')],
      ['another host', from('http://evil.example')],
      ['another scheme', from('https://app.example')],
      ['a WebSocket scheme', from('ws://app.example')],
      ['another port', from('http://app.example:81')],
      ['a port where Host has none', from('http://app.example:3000')],
      ['a host that only begins the same', from('http://app.example.evil.example')],
      ['a host that only ends the same', from('http://evil-app.example')],
      ['a subdomain', from('http://sub.app.example')],
      ['a trailing dot on one side', from('http://app.example.')],
      ['the host as a user', from('http://app.example@evil.example')],
      ['the host as a path', from('http://evil.example/app.example')],
      ['a path', from('http://app.example/x')],
      ['a query', from('http://app.example?x')],
      ['two origins in one line', from('http://app.example, http://evil.example')],
      ['two lines', from(['http://app.example', 'http://evil.example'])],
      ['the same twice', from(['http://app.example', 'http://app.example'])],
      ['what is no URL', from('app.example')],
      ['another IPv6 address', from('http://[::2]:3000', '[::1]:3000')],
      ['a file', from('file://')],
      ['an extension of the browser', from('chrome-extension://abcdefgh')],
    ])('refuses %s with 403', async (_what, headers) => {
      const scene = await EchoScene.start();
      expect(await statusOf(scene, headers)).toBe(403);
      expect(scene.established.entries).toEqual([]);
    });

    it('is https where the connection is', async () => {
      const scene = await EchoScene.start({ https: certificate });
      const ask = (origin: string): Promise<unknown> =>
        scene.app.connect('/ws/echo', { origin, headers: { host: 'app.example' } });
      await ask('https://app.example');
      await ask('https://app.example:443');
      await expect(ask('http://app.example')).rejects.toMatchObject({ status: 403 });
    });
  });

  describe("in a list may stand for itself as 'same-origin'", () => {
    it.each<[string, Headers, number]>([
      ['the same host', from('http://app.example'), 101],
      ['an origin of the list', from('https://partner.example'), 101],
      ['another host', from('http://evil.example'), 403],
      ['the words themselves', from('same-origin'), 403],
    ])('%s', async (_what, headers, status) => {
      const scene = await EchoScene.start({ options: { origin: ['same-origin', 'https://partner.example'] } });
      expect(await statusOf(scene, headers)).toBe(status);
    });
  });

  describe('behind a proxy', () => {
    const forwarded: Headers = {
      Host: 'internal:3000',
      Origin: 'https://app.example',
      'X-Forwarded-Host': 'app.example',
      'X-Forwarded-Proto': 'https',
    };

    it.each<[string, PlackWebSocketModuleOptions, Headers, number]>([
      ['nothing forwarded is believed by default', {}, forwarded, 403],
      ['a trusted proxy is believed', { trustProxy: 'loopback' }, forwarded, 101],
      ['another proxy is not', { trustProxy: '10.0.0.0/8' }, forwarded, 403],
      [
        'an origin of the inner name is foreign',
        { trustProxy: true },
        { ...forwarded, Origin: 'http://internal:3000' },
        403,
      ],
      ['the scheme counts', { trustProxy: true }, { ...forwarded, 'X-Forwarded-Proto': 'http' }, 403],
      [
        'a client cannot lend itself a host',
        {},
        { Host: 'app.example', Origin: 'http://evil.example', 'X-Forwarded-Host': 'evil.example' },
        403,
      ],
    ])('%s', async (_what, options, headers, status) => {
      expect(await statusOf(await EchoScene.start({ options }), headers)).toBe(status);
    });
  });

  describe('of a list', () => {
    const list: EchoSpec = {
      options: { origin: ['https://App.example:443', /^https:\/\/[a-z]+\.trusted\.example$/g] },
    };

    it.each([
      ['https://app.example', 101],
      ['https://app.example:443', 101],
      ['HTTPS://APP.EXAMPLE', 101],
      ['http://app.example', 403],
      ['https://app.example:444', 403],
      ['https://app.example.evil.example', 403],
      ['https://a.trusted.example', 101],
      ['https://a.trusted.example', 101],
      ['https://a.trusted.example.evil.example', 403],
      ['https://evil.example/https://a.trusted.example', 403],
      ['null', 403],
    ])('%s is answered with %i', async (origin, status) => {
      const scene = await EchoScene.start(list);
      // A pattern with the flag `g` gives the same answer every time.
      expect([await statusOf(scene, from(origin)), await statusOf(scene, from(origin))]).toEqual([status, status]);
    });

    it('takes null only when it names it', async () => {
      expect(await statusOf(await EchoScene.start({ options: { origin: ['null'] } }), from('null'))).toBe(101);
      expect(await statusOf(await EchoScene.start({ options: { origin: [/null/] } }), from('null'))).toBe(403);
    });
  });

  it('may be left to a function, which also sees that there is none', async () => {
    const seen: (string | undefined)[] = [];
    const scene = await EchoScene.start({
      options: {
        origin: async (origin) => {
          seen.push(origin);
          return origin === 'custom:';
        },
      },
    });
    expect(await statusOf(scene, {})).toBe(403);
    expect(await statusOf(scene, from('custom:'))).toBe(101);
    expect(await statusOf(scene, from('http://app.example'))).toBe(403);
    expect(seen).toEqual([undefined, 'custom:', 'http://app.example']);
  });
});
