import { describe, expect, it } from '@jest/globals';
import { HttpException, UnauthorizedException } from '@nestjs/common';
import type { Connection, HandshakeHook, UpgradeFailure } from '../../src/index.js';
import { Gate } from '../support/journal.js';
import { text } from '../support/raw-frame.js';
import { upgradeRequest, type HttpAnswer, type UpgradeSpec } from '../support/raw-http.js';
import { startApp } from '../support/start-app.js';
import { EchoScene } from './support/echo-scene.js';

const NO_PROTOCOL = { headers: expect.not.objectContaining({ 'sec-websocket-protocol': expect.anything() }) };

function offering(...protocols: string[]): UpgradeSpec {
  return { headers: { 'Sec-WebSocket-Protocol': protocols } };
}

async function ask(scene: EchoScene, spec: UpgradeSpec = {}): Promise<HttpAnswer> {
  const peer = await scene.app.peer();
  return peer.upgrade({ path: '/ws/echo', ...spec });
}

function decidedBy(handshake: HandshakeHook, failures: UpgradeFailure[] = []): Promise<EchoScene> {
  return EchoScene.start({ options: { handshake, onError: (failure) => void failures.push(failure) } });
}

const throwing = (error: unknown): HandshakeHook => {
  return () => {
    throw error;
  };
};

describe('the decision about an upgrade', () => {
  it('4.1 #14 a foreign origin gets 403 unless it is allowed', async () => {
    const foreign = { headers: { Origin: 'https://evil.example' } };
    expect(await ask(await EchoScene.start(), foreign)).toMatchObject({ status: 403 });
    expect(await ask(await EchoScene.start({ options: { origin: '*' } }), foreign)).toMatchObject({ status: 101 });
  });

  it('4.1 #15 a subprotocol that nobody chose is not answered', async () => {
    const scene = await EchoScene.start();
    expect(await ask(scene, offering('token.secret'))).toMatchObject({ status: 101, ...NO_PROTOCOL });
  });

  it('4.1 #16 the subprotocol that the hook or the option chose among the offered is answered, and it alone', async () => {
    const hook = await decidedBy((_context, response) => void (response.subprotocol = 'b'));
    expect((await ask(hook, offering('a, b, c'))).headers['sec-websocket-protocol']).toBe('b');
    const option = await EchoScene.start({ options: { protocols: ['c', 'a'] } });
    expect((await ask(option, offering('a, b, c'))).headers['sec-websocket-protocol']).toBe('c');
  });

  it('4.1 #17 a subprotocol that was not offered is not sent, and stands in the log', async () => {
    const scene = await decidedBy((_context, response) => void (response.subprotocol = 'x'));
    expect(await ask(scene, offering('a'))).toMatchObject({ status: 101, ...NO_PROTOCOL });
    expect(await ask(scene)).toMatchObject({ status: 101, ...NO_PROTOCOL });
    expect(scene.app.logs.problems).toEqual(Array(2).fill(expect.stringContaining('"x" was not offered')));
  });

  it('4.1 #18 two lines of subprotocols are one list', async () => {
    const seen: (readonly string[])[] = [];
    const scene = await decidedBy(({ protocols }, response) => {
      seen.push(protocols);
      response.subprotocol = 'v2';
    });
    expect((await ask(scene, offering('zz', 'v2'))).headers['sec-websocket-protocol']).toBe('v2');
    expect(seen).toEqual([['zz', 'v2']]);
  });

  it('4.1 #19 permessage-deflate is not negotiated by default, and messages pass without it', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    const answer = await peer.upgrade({ path: '/ws/echo', headers: offer });
    expect([answer.status, answer.headers['sec-websocket-extensions']]).toEqual([101, undefined]);
    const message = 'compressible '.repeat(500);
    await peer.writeRaw(text(message));
    expect(await peer.nextFrame()).toMatchObject({ rsv: 0, text: message });
  });

  it('4.1 #28 a throw of the hook refuses with 400, and onError gets what was thrown', async () => {
    const [failures, boom] = [[] as UpgradeFailure[], new Error('BOOM')];
    const answer = await ask(await decidedBy(throwing(boom), failures));
    expect(answer).toMatchObject({ status: 400, body: expect.not.stringContaining('BOOM') });
    expect(failures).toMatchObject([{ error: 'invalid request', status: 400 }]);
    expect(failures[0]?.cause).toBe(boom);
  });

  it('4.1 #29 a thrown HttpException has its own status; any object reaches onError as it is', async () => {
    const refused = await ask(await decidedBy(throwing(new UnauthorizedException('no token'))));
    expect(refused).toMatchObject({ status: 401, body: expect.stringContaining('no token') });
    const thrown = { status: 401 };
    const scene = await EchoScene.start({
      options: {
        handshake: throwing(thrown),
        onError: ({ cause }) => (cause === thrown ? { status: 401, body: 'no token' } : undefined),
      },
    });
    expect(await ask(scene)).toMatchObject({ status: 401, body: 'no token' });
  });

  it('4.1 #30 whatever is thrown refuses, also what is empty', async () => {
    for (const thrown of ['', undefined, null, 0, false, {}]) {
      expect([thrown, (await ask(await decidedBy(throwing(thrown)))).status]).toEqual([thrown, 400]);
    }
  });

  it('4.1 #31 a hook that returns nothing accepts; null is no decision', async () => {
    expect(await ask(await decidedBy(() => undefined))).toMatchObject({ status: 101 });
    const scene = await decidedBy(() => null as never);
    expect(await ask(scene)).toMatchObject({ status: 500 });
    expect(scene.app.logs.at('error')).toHaveLength(1);
  });

  it('4.1 #32 a raw HTTP answer is a real refusal: frames after it reach nobody', async () => {
    const raw = 'HTTP/1.1 403 Forbidden\r\nX-Why: because\r\nContent-Length: 2\r\n\r\nno';
    const scene = await decidedBy(() => raw);
    const peer = await scene.app.peer();
    await peer.writeRaw(Buffer.concat([Buffer.from(upgradeRequest({ path: '/ws/echo' })), text('hello?')]));
    expect(await peer.nextAnswer()).toMatchObject({ status: 403, headers: { 'x-why': 'because' }, body: 'no' });
    await peer.writeRaw(text('anybody?'));
    await peer.ended();
    expect(peer.unread).toHaveLength(0);
    expect([scene.established.entries, scene.received.entries, scene.app.registry.size]).toEqual([[], [], 0]);
  });

  it('4.1 #33 what is no decision gets 500 and a line in the log', async () => {
    for (const decision of ['', {}, 'no HTTP', [1], 403]) {
      const scene = await decidedBy(() => decision as never);
      expect(await ask(scene)).toMatchObject({ status: 500, body: expect.not.stringContaining('handshake hook') });
      expect(scene.app.logs.at('error')).toHaveLength(1);
    }
  });

  it('4.1 #34 an asynchronous hook is waited for; of a client that left meanwhile nothing is established', async () => {
    const [asked, gate] = [new Gate(), new Gate()];
    const scene = await decidedBy(async ({ raw, query }) => {
      if (query['wait'] === undefined) return;
      raw.socket.once('close', () => gate.open());
      asked.open();
      await gate.opened;
    });
    const peer = await scene.app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo?wait' }));
    await asked.opened;
    peer.end();
    await gate.opened;
    await scene.open();
    expect(scene.established.entries).toHaveLength(1);
    expect(scene.finished.entries).toEqual([]);
  });

  it('4.1 #35 extra results reach establish in their order, holes kept', async () => {
    const scene = await decidedBy((_context, response) => [response, 1, { two: 2 }, undefined, [3]]);
    await scene.open();
    expect((await scene.established.next()).context.results).toEqual([1, { two: 2 }, undefined, [3]]);
  });

  it('4.1 #36 there is no validator beside the handshake hook: the option is unknown at boot', async () => {
    const options = { validator: () => true, handshake: () => undefined } as object;
    await expect(startApp({ options })).rejects.toThrow(/does not know the option "validator"/);
  });

  it('4.1 #37 the hook does what a validator did: it gives results, or throws', async () => {
    const scene = await decidedBy(({ query }, response) => {
      if (query['user'] === undefined) throw new HttpException('who are you?', 400);
      return [response, query['user']];
    });
    expect(await ask(scene)).toMatchObject({ status: 400 });
    await scene.open({ path: '/ws/echo?user=ann' });
    expect((await scene.established.next()).context.results).toEqual(['ann']);
  });

  it('4.1 #38 each cookie has a line of its own with its attributes, and no header can break the head', async () => {
    const scene = await decidedBy((_context, response) => {
      response.setCookie('sid', 'a b', { httpOnly: true, sameSite: 'lax', path: '/' }).setCookie('x', 'y');
      response.setHeader('X-Own', 'one').appendHeader('X-Own', 'two');
    });
    const { rawHeaders } = await ask(scene);
    expect(rawHeaders.slice(3)).toEqual([
      ['Set-Cookie', 'sid=a%20b; Path=/; HttpOnly; SameSite=Lax'],
      ['Set-Cookie', 'x=y'],
      ['X-Own', 'one'],
      ['X-Own', 'two'],
    ]);
    for (const value of ['a\r\nSet-Cookie: evil=1', 'a\nb', 'a\0b', 'ü\u{1F600}']) {
      const injected = await ask(await decidedBy((_context, response) => void response.setHeader('X-Own', value)));
      expect([value, injected.status, injected.headers['set-cookie']]).toEqual([value, 400, undefined]);
    }
  });

  it('4.1 #39 a server that cannot upgrade is an error at boot, with the words of the original', async () => {
    const configure: (app: { getHttpAdapter(): object }) => void = (app) =>
      Object.assign(app.getHttpAdapter(), { getHttpServer: () => undefined });
    await expect(startApp({ configure })).rejects.toThrow(/^not supported by the server/);
  });

  it('4.1 #40 onError answers with a status and headers of its own', async () => {
    const onError = (): object => ({ status: 418, headers: { 'X-Err': 'yes' }, body: 'short and stout' });
    const scene = await EchoScene.start({ options: { onError: onError as never } });
    const answer = await ask(scene, { key: 'abc' });
    expect(answer).toMatchObject({ status: 418, headers: { 'x-err': 'yes' }, body: 'short and stout' });
  });

  it('4.1 #41 onError may take its time', async () => {
    const scene = await EchoScene.start({
      options: { onError: ({ status }) => new Promise((resolve) => setImmediate(resolve, { status, body: 'later' })) },
    });
    expect(await ask(scene, { key: 'abc' })).toMatchObject({ status: 400, body: 'later' });
  });

  it('4.1 #42 when onError throws, the default answer is sent and the fault is logged', async () => {
    for (const onError of [() => Promise.reject(new Error('oops')), throwing(new Error('oops')) as never]) {
      const scene = await EchoScene.start({ options: { onError } });
      const answer = await ask(scene, { key: 'abc' });
      expect(answer).toMatchObject({ status: 400, body: expect.stringContaining('"statusCode":400') });
      expect(scene.app.logs.at('error')).toEqual([expect.stringContaining('oops')]);
    }
  });

  it('4.1 #43 what onError returns and is no reply is logged, and the default answer is sent', async () => {
    for (const garbage of [1, 'no', {}, { status: 99 }, { status: 101 }, { status: '403' }, [400]]) {
      const scene = await EchoScene.start({ options: { onError: () => garbage as never } });
      expect([garbage, (await ask(scene, { key: 'abc' })).status]).toEqual([garbage, 400]);
      expect(scene.app.logs.at('error')).toHaveLength(1);
    }
  });

  it('4.1 #44 paths are exact: of what lies below only a slash and a query belong to the endpoint', async () => {
    const scene = await EchoScene.start();
    for (const path of ['/ws/echo?x=1', '/ws/echo/', '/ws/echo/?x=1']) {
      expect([path, (await ask(scene, { path })).status]).toEqual([path, 101]);
    }
    expect(await ask(scene, { path: '/ws/echo/anything?x=1' })).toMatchObject({ status: 404 });
    const contexts = scene.established.entries.map((connection: Connection) => connection.context);
    expect(contexts.map(({ path, query }) => [path, query['x']])).toEqual([
      ['/ws/echo', '1'],
      ['/ws/echo/', undefined],
      ['/ws/echo/', '1'],
    ]);
  });

  it('4.1 #45 an upgrade on a path of nobody gets a whole 404', async () => {
    const scene = await EchoScene.start();
    for (const path of ['/ws/echox', '/ws/ECHO', '/WS/echo', '/', '/ws/echo//']) {
      const answer = await ask(scene, { path });
      expect([path, answer.status, answer.headers['connection']]).toEqual([path, 404, 'close']);
    }
  });
});
