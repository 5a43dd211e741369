import { describe, expect, it } from '@jest/globals';
import type { PlackWebSocketModuleOptions } from '../../src/index.js';
import { text } from '../support/raw-frame.js';
import { compressed, offer } from './support/deflated.js';
import { closeOf, EchoScene } from './support/echo-scene.js';

function start(options: PlackWebSocketModuleOptions = {}): Promise<EchoScene> {
  return EchoScene.start({ options: { compression: { thresholdBytes: 0 }, ...options } });
}

describe('RFC 7692 §7: permessage-deflate', () => {
  it('is off by default, whatever is offered', async () => {
    const scene = await EchoScene.start();
    const { peer, answer } = await offer(scene, 'permessage-deflate; client_max_window_bits, permessage-deflate');
    expect([answer.status, answer.headers['sec-websocket-extensions']]).toEqual([101, undefined]);
    await peer.writeRaw(compressed('never agreed on'));
    expect((await closeOf(peer)).code).toBe(1002);
  });

  it('is not used with a client that does not offer it', async () => {
    const scene = await start();
    const peer = await scene.open();
    await peer.writeRaw(text('x'.repeat(5000)));
    expect(await peer.nextFrame()).toMatchObject({ rsv: 0, text: 'x'.repeat(5000) });
  });

  it.each<[string, string | string[], RegExp]>([
    ['without parameters', 'permessage-deflate', /^permessage-deflate(;|$)/],
    ['among others', 'foo, permessage-deflate; client_max_window_bits', /^permessage-deflate(;|$)/],
    ['in two lines', ['foo', 'permessage-deflate'], /^permessage-deflate(;|$)/],
    [
      '§7.1.1.1 server_no_context_takeover',
      'permessage-deflate; server_no_context_takeover',
      /server_no_context_takeover/,
    ],
    ['§7.1.2.1 server_max_window_bits', 'permessage-deflate; server_max_window_bits=10', /server_max_window_bits=10/],
    ['a bad offer before a good one', 'permessage-deflate; bogus, permessage-deflate', /^permessage-deflate(;|$)/],
  ])('§5: is agreed on when offered %s', async (_what, extensions, expected) => {
    const { answer } = await offer(await start(), extensions);
    expect(answer).toMatchObject({
      status: 101,
      headers: { 'sec-websocket-extensions': expect.stringMatching(expected) },
    });
  });

  it('§7.1.1: by default neither side keeps a window between messages', async () => {
    const { answer } = await offer(await start(), 'permessage-deflate');
    const [, ...parameters] = (answer.headers['sec-websocket-extensions'] ?? '').split(/; ?/);
    expect(parameters.toSorted()).toEqual(['client_no_context_takeover', 'server_no_context_takeover']);
  });

  it.each([
    ['an unknown parameter', 'permessage-deflate; bogus'],
    ['a value where none may be', 'permessage-deflate; server_no_context_takeover=1'],
    ['a parameter twice', 'permessage-deflate; server_no_context_takeover; server_no_context_takeover'],
    ['too small a window', 'permessage-deflate; server_max_window_bits=7'],
    ['too large a window', 'permessage-deflate; server_max_window_bits=16'],
    ['a window that is no number', 'permessage-deflate; server_max_window_bits=x'],
    ['a window without its value', 'permessage-deflate; server_max_window_bits'],
  ])('§7.1: an offer with %s is declined, not the connection', async (_what, extensions) => {
    const { peer, answer } = await offer(await start(), extensions);
    expect([answer.status, answer.headers['sec-websocket-extensions']]).toEqual([101, undefined]);
    await peer.writeRaw(text('plain'));
    expect(await peer.nextFrame()).toMatchObject({ rsv: 0, text: 'plain' });
  });

  it.each(['permessage-deflate;', '=x', 'permessage-deflate; a="', ';', 'a b'])(
    'RFC 6455 §9.1: what is no list of extensions (%s) is an invalid request, for which nobody was asked',
    async (extensions) => {
      let asked = 0;
      const failures: string[] = [];
      const scene = await start({
        handshake: () => void asked++,
        onError: ({ error }) => void failures.push(error),
      });
      const { peer, answer } = await offer(scene, extensions);
      expect(answer).toMatchObject({ status: 400, headers: { connection: 'close' } });
      expect(await peer.ended()).toBe('fin');
      expect([asked, failures, scene.established.entries]).toEqual([0, ['invalid request'], []]);
    },
  );

  it('the option needs limits.maxPayloadBytes: without it the application does not start', async () => {
    const options = { compression: true, limits: { maxPayloadBytes: 0 } };
    await expect(EchoScene.start({ options })).rejects.toThrow(/compression needs limits.maxPayloadBytes/);
    await expect(EchoScene.start({ options: { compression: 'yes' as never } })).rejects.toThrow(/compression must be/);
  });
});
