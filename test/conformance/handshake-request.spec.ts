import { describe, expect, it } from '@jest/globals';
import type { UpgradeFailure } from '../../src/index.js';
import { text } from '../support/raw-frame.js';
import { RFC_ACCEPT, upgradeRequest, type HttpAnswer, type UpgradeSpec } from '../support/raw-http.js';
import { EchoScene } from './support/echo-scene.js';

const AS_13 = { status: 426, headers: { upgrade: 'websocket', 'sec-websocket-version': '13' } };

/** Asks for an upgrade with a peer of its own; a refusal is one whole answer, after which the server ends. */
async function ask(scene: EchoScene, spec: UpgradeSpec, extraBytes?: Uint8Array): Promise<HttpAnswer> {
  const peer = await scene.app.peer();
  const answer = await peer.upgrade({ path: '/ws/echo', ...spec, ...(extraBytes && { extraBytes }) });
  if (answer.headers['connection'] === 'close') {
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread).toHaveLength(0);
  }
  return answer;
}

async function startWithFailures(): Promise<{ scene: EchoScene; failures: UpgradeFailure[] }> {
  const failures: UpgradeFailure[] = [];
  const scene = await EchoScene.start({ options: { onError: (failure) => void failures.push(failure) } });
  return { scene, failures };
}

describe('the upgrade request', () => {
  it('4.1 #1 a valid upgrade is answered with 101 and the accept key, and established once', async () => {
    const scene = await EchoScene.start();
    const answer = await ask(scene, {});
    expect(answer).toMatchObject({ status: 101, statusText: 'Switching Protocols', body: '' });
    expect(Object.fromEntries(answer.rawHeaders)).toEqual({
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': RFC_ACCEPT,
    });
    expect(scene.established.entries).toHaveLength(1);
  });

  it('4.1 #2 Connection may be a list, and every token may be in odd case', async () => {
    const scene = await EchoScene.start();
    const headers = { Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket' };
    expect(await ask(scene, { headers })).toMatchObject({ status: 101 });
  });

  it('4.1 #3 a plain GET gets 426 with what to upgrade to, through onError', async () => {
    const { scene, failures } = await startWithFailures();
    const peer = await scene.app.peer();
    await peer.writeRaw('GET /ws/echo HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n');
    expect(await peer.nextAnswer()).toMatchObject(AS_13);
    expect(failures).toMatchObject([{ error: 'upgrade required', status: 426 }]);
  });

  it('4.1 #4 Upgrade: h2c is a plain request: 426 on the path of an endpoint, then the connection closes', async () => {
    const { scene, failures } = await startWithFailures();
    expect(await ask(scene, { headers: { Upgrade: 'h2c' } })).toMatchObject(AS_13);
    expect(failures).toMatchObject([{ error: 'upgrade required' }]);
  });

  it('4.1 #5 Upgrade: websocket, foo is not accepted', async () => {
    const scene = await EchoScene.start();
    expect(await ask(scene, { headers: { Upgrade: 'websocket, foo' } })).toMatchObject(AS_13);
    expect(scene.established.entries).toEqual([]);
  });

  it('4.1 #6 without Upgrade, without Connection, or without its token nothing is upgraded', async () => {
    const { scene, failures } = await startWithFailures();
    for (const headers of [{ Upgrade: undefined }, { Connection: undefined }, { Connection: 'keep-alive' }]) {
      expect(await ask(scene, { headers })).toMatchObject(AS_13);
    }
    expect(failures.map(({ error }) => error)).toEqual(Array(3).fill('upgrade required'));
  });

  it('4.1 #7 every version but exactly 13 gets 426 with Sec-WebSocket-Version: 13', async () => {
    const { scene, failures } = await startWithFailures();
    const versions = ['8', '14', '7', 'abc', '', '013', '13.0', '-13', '13, 8', ['8', '13'], ['13', '13'], undefined];
    for (const version of versions) {
      const answer = await ask(scene, { headers: { 'Sec-WebSocket-Version': version } });
      expect([version, answer.status, answer.headers['sec-websocket-version']]).toEqual([version, 426, '13']);
    }
    expect(failures.map(({ error }) => error)).toEqual(versions.map(() => 'upgrade required'));
    expect(scene.established.entries).toEqual([]);
  });

  it('4.1 #8 without a key, or with an empty one, the request is invalid', async () => {
    const { scene, failures } = await startWithFailures();
    for (const key of [undefined, '']) {
      expect(await ask(scene, { headers: { 'Sec-WebSocket-Key': key } })).toMatchObject({ status: 400 });
    }
    expect(failures).toMatchObject([{ error: 'invalid request' }, { error: 'invalid request' }]);
    expect(String(failures[0]?.cause)).toContain('Sec-WebSocket-Key');
  });

  it('4.1 #9 a key that is not 16 bytes in base64 is invalid', async () => {
    const scene = await EchoScene.start();
    for (const key of ['abc', '!!!!', 'dGhlIHNhbXBsZSBub25jZQ', 'dGhlIHNhbXBsZSBub25jZQAA']) {
      expect([key, (await ask(scene, { key })).status]).toEqual([key, 400]);
    }
  });

  it('4.1 #10 a handshake of 2010 with two keys is answered at once', async () => {
    const scene = await EchoScene.start();
    const headers = {
      'Sec-WebSocket-Key': undefined,
      'Sec-WebSocket-Version': undefined,
      'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5',
      'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00',
    };
    expect(await ask(scene, { headers }, Buffer.from('^n:ds[4U'))).toMatchObject(AS_13);
  });

  it('4.1 #11 POST, HEAD and OPTIONS get 405 with Allow: GET', async () => {
    const { scene, failures } = await startWithFailures();
    for (const method of ['POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
      expect(await ask(scene, { method })).toMatchObject({ status: 405, headers: { allow: 'GET' } });
    }
    const peer = await scene.app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo', method: 'HEAD' }));
    expect(await peer.ended()).toBe('fin');
    expect(peer.unread.toString()).toMatch(/^HTTP\/1\.1 405 Method Not Allowed\r\nAllow: GET\r\n/);
    expect(failures.map(({ error }) => error)).toEqual(Array(6).fill('method not allowed'));
  });

  it('4.1 #12 HTTP/1.0 cannot be upgraded', async () => {
    const { scene, failures } = await startWithFailures();
    expect(await ask(scene, { httpVersion: '1.0' })).toMatchObject({ status: 400 });
    expect(failures).toMatchObject([{ error: 'invalid request' }]);
  });

  it('4.1 #13 a request without Host is invalid', async () => {
    const scene = await EchoScene.start();
    expect(await ask(scene, { headers: { Host: undefined } })).toMatchObject({ status: 400 });
    expect(scene.established.entries).toEqual([]);
  });

  it('4.1 #20 a request with a body is invalid, whatever says that there is one', async () => {
    const scene = await EchoScene.start();
    const withLength = { headers: { 'Content-Length': '3' } };
    const inChunks = { headers: { 'Transfer-Encoding': 'chunked' } };
    expect(await ask(scene, withLength, Buffer.from('abc'))).toMatchObject({ status: 400 });
    expect(await ask(scene, inChunks, Buffer.from('3\r\nabc\r\n0\r\n\r\n'))).toMatchObject({ status: 400 });
    expect(scene.established.entries).toEqual([]);
  });

  it('4.1 #21 a frame in the packet of the request is delivered', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.open({ extraBytes: text('early') });
    expect((await peer.nextFrame()).text).toBe('early');
  });

  it('4.1 #22 a head in pieces of one byte is accepted', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    await peer.writeByteByByte(upgradeRequest({ path: '/ws/echo' }));
    expect(await peer.nextAnswer()).toMatchObject({ status: 101 });
  });

  it('4.1 #23 a header of 30 KB gets 431', async () => {
    const scene = await EchoScene.start();
    expect(await ask(scene, { headers: { 'X-Long': 'x'.repeat(30_000) } })).toMatchObject({ status: 431 });
  });

  it('4.1 #24 a garbage line or a bad header line gets 400', async () => {
    const scene = await EchoScene.start();
    const bad = upgradeRequest({ path: '/ws/echo' }).replace('Host:', 'Ho st:');
    for (const bytes of ['garbage\r\n\r\n', bad]) {
      const peer = await scene.app.peer();
      await peer.writeRaw(bytes);
      expect(await peer.nextAnswer()).toMatchObject({ status: 400 });
    }
    await scene.open();
  });

  it('4.1 #25 of a client that leaves after half a head nothing is called, logged or kept', async () => {
    const { scene, failures } = await startWithFailures();
    const half = upgradeRequest({ path: '/ws/echo' }).slice(0, 60);
    for (const leave of ['end', 'reset'] as const) {
      const peer = await scene.app.peer();
      await peer.writeRaw(half);
      peer[leave]();
    }
    await scene.open();
    expect(scene.established.entries).toHaveLength(1);
    expect(failures).toEqual([]);
    expect(scene.app.logs.problems).toEqual([]);
  });

  it('4.1 #26 a client that leaves right after a full head is established, then finished', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo' }));
    peer.reset();
    expect(await scene.finished.next()).toMatchObject({ code: 1006, clean: false, initiator: 'client' });
    expect(scene.established.entries).toHaveLength(1);
    expect(scene.app.registry.size).toBe(0);
  });

  it('4.1 #27 silence is bounded: by the time limits of Node before the head is whole, by ours after it', async () => {
    const scene = await EchoScene.start({
      options: { handshakeTimeoutMs: 20, handshake: () => new Promise<void>(() => undefined) },
    });
    expect(scene.app.app.getHttpServer().headersTimeout).toBeGreaterThan(0);
    expect(await ask(scene, {})).toMatchObject({ status: 408 });
  });
});
