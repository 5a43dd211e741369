import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Gate } from '../support/journal.js';
import { RFC_ACCEPT, upgradeRequest, type UpgradeSpec } from '../support/raw-http.js';
import { EchoScene } from './support/echo-scene.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

describe('RFC 6455 §4: the opening handshake', () => {
  it('§1.3: the key of the document has the answer of the document', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    const { headers } = await peer.upgrade({ path: '/ws/echo', key: 'dGhlIHNhbXBsZSBub25jZQ==' });
    expect(headers['sec-websocket-accept']).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
    expect(RFC_ACCEPT).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  it('§4.2.2: the accept key is the hash of the key with the GUID, for any key', async () => {
    const scene = await EchoScene.start();
    for (const byte of [0, 1, 127, 255]) {
      const key = Buffer.alloc(16, byte).toString('base64');
      const peer = await scene.app.peer();
      const { headers } = await peer.upgrade({ path: '/ws/echo', key });
      expect(headers['sec-websocket-accept']).toBe(createHash('sha1').update(`${key}${GUID}`).digest('base64'));
    }
  });

  it.each<[string, UpgradeSpec]>([
    ['§4.2.1: Upgrade in odd case', { headers: { Upgrade: 'wEbSoCkEt' } }],
    ['§4.2.1: Connection in odd case', { headers: { Connection: 'upGrade' } }],
    ['§4.2.1: Connection as a list without blanks', { headers: { Connection: 'keep-alive,Upgrade' } }],
    ['§4.2.1: Connection in two lines', { headers: { Connection: ['keep-alive', 'Upgrade'] } }],
    ['§4.2.1: header names in odd case', { headers: { Upgrade: undefined, uPGRADE: 'websocket' } }],
    ['§4.1: blanks around values', { headers: { 'Sec-WebSocket-Version': '  13\t ' } }],
    ['§4.1: headers that nobody knows', { headers: { 'X-Unknown': '\u00ff', 'Sec-WebSocket-Future': '1' } }],
    ['§9.1: extensions that nobody knows', { headers: { 'Sec-WebSocket-Extensions': 'foo; bar=1, baz' } }],
    ['§4.2.1: a body of no length', { headers: { 'Content-Length': '0' } }],
  ])('takes %s', async (_what, spec) => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    const answer = await peer.upgrade({ path: '/ws/echo', ...spec });
    expect(answer).toMatchObject({ status: 101, headers: { 'sec-websocket-accept': RFC_ACCEPT } });
    expect(answer.headers).not.toHaveProperty('sec-websocket-extensions');
  });

  it.each<[string, string]>([
    ['an empty list', ' , '],
    ['a member that is no token', 'a b'],
    ['a member with a separator', 'a;b'],
    ['the same member twice', 'a, b, a'],
    ['a member in quotes', '"a"'],
  ])('§4.1 item 10: refuses %s of subprotocols with 400', async (_what, value) => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    const answer = await peer.upgrade({ path: '/ws/echo', headers: { 'Sec-WebSocket-Protocol': value } });
    expect(answer.status).toBe(400);
  });

  it('§4.2.2: the order of the server decides about the subprotocol, and case counts', async () => {
    const scene = await EchoScene.start({ options: { protocols: ['v2.chat', 'v1.chat'] } });
    const answers: (string | undefined)[] = [];
    for (const offer of ['v1.chat, v2.chat', 'v1.chat', 'V1.CHAT', 'v3.chat']) {
      const peer = await scene.app.peer();
      const { status, headers } = await peer.upgrade({
        path: '/ws/echo',
        headers: { 'Sec-WebSocket-Protocol': offer },
      });
      expect(status).toBe(101);
      answers.push(headers['sec-websocket-protocol']);
    }
    expect(answers).toEqual(['v2.chat', 'v1.chat', undefined, undefined]);
    expect(scene.established.entries.map(({ protocol }) => protocol)).toEqual(['v2.chat', 'v1.chat', '', '']);
  });

  it('§4.4: another version is told which one is spoken, and may try again on a connection of its own', async () => {
    const scene = await EchoScene.start();
    const peer = await scene.app.peer();
    const answer = await peer.upgrade({ path: '/ws/echo', headers: { 'Sec-WebSocket-Version': '25' } });
    expect(answer).toMatchObject({ status: 426, headers: { 'sec-websocket-version': '13', connection: 'close' } });
    await scene.open();
  });

  it('§4.2.2: nothing is written before the decision, then one head, and frames right behind it', async () => {
    const gate = new Gate();
    const asked = new Gate();
    const scene = await EchoScene.start({
      options: {
        handshake: () => {
          asked.open();
          return gate.opened;
        },
      },
      onEstablish: (connection) => void connection.send('first'),
    });
    const peer = await scene.app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/echo' }));
    await asked.opened;
    expect(peer.socket.bytesRead).toBe(0);
    gate.open();
    expect(await peer.nextAnswer()).toMatchObject({ status: 101 });
    expect((await peer.nextFrame()).text).toBe('first');
    expect(peer.unread).toHaveLength(0);
  });
});
