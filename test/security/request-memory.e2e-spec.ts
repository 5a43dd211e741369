import { describe, expect, it } from '@jest/globals';
import { OnEstablish, WsEndpoint } from '../../src/index.js';
import { ChildApp } from '../support/child-app.js';
import { clearWeakRefs, type Held } from '../support/memory-probe.js';
import { patient } from '../support/patience.js';
import { text } from '../support/raw-frame.js';
import { upgradeRequest, type UpgradeSpec } from '../support/raw-http.js';
import { RawPeer } from '../support/raw-peer.js';
import { afterTest, startApp } from '../support/start-app.js';

const FIXTURE = new URL('./request-memory.fixture.ts', import.meta.url);
const PEERS = 40;
const KIB = 1024;

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

let counts = 0;
async function heldBy(child: ChildApp): Promise<number> {
  const name = `count${(counts += 1)}`;
  child.tell({ count: name });
  const { heapUsed, arrayBuffers } = (await child.heard(name)) as Held;
  return heapUsed + arrayBuffers;
}

/**
 * Bytes that the server holds for each peer of a kind, without what it needs for the first of them. Peers stay to the end of
 * the test: leaving would blur the next count.
 */
async function cost(child: ChildApp, open: (peer: RawPeer) => Promise<void>, isFirst = true): Promise<number> {
  if (isFirst) await cost(child, open, false);
  const before = await heldBy(child);
  const peers = await Promise.all(times(PEERS, () => RawPeer.open(child.port)));
  for (const peer of peers) {
    afterTest(() => peer[Symbol.asyncDispose]());
    await open(peer);
  }
  return ((await heldBy(child)) - before) / PEERS;
}

describe('an idle connection', () => {
  const idle = (spec: UpgradeSpec) => async (peer: RawPeer) => {
    expect(await peer.upgrade({ path: '/ws/quiet', ...spec })).toMatchObject({ status: 101 });
    await peer.writeRaw(text('hello'));
    await peer.nextFrame();
  };

  it.each<[string, UpgradeSpec]>([
    ['900 short header lines', { headers: Object.fromEntries(times(900, (i) => [`h${i}`, 'v'])) }],
    ['900 header lines of one name', { headers: { h: times(900, (i) => `v${i}`) } }],
    ['2,500 names in its query', { path: `/ws/quiet?${times(2_500, (i) => `q${i}`).join('&')}` }],
    ['2,000 cookies', { headers: { Cookie: times(2_000, (i) => `c${i}=`).join('; ') } }],
    ['2,000 subprotocols', { headers: { 'Sec-WebSocket-Protocol': times(2_000, (i) => `p${i}`).join(', ') } }],
  ])(
    'keeps no more than twice the bytes of its request beside what every connection needs: %s',
    async (_what, spec) => {
      await using child = await ChildApp.start(FIXTURE);
      const plain = await cost(child, idle({}));
      const size = upgradeRequest({ path: '/ws/quiet', ...spec }).length;
      const held = await cost(child, idle(spec));
      expect(held - plain).toBeLessThan(2 * size);
    },
    patient(30_000),
  );
});

it(
  'bytes that come ahead of the decision, each alone, cost little more than themselves',
  async () => {
    await using child = await ChildApp.start(FIXTURE);
    const waiting = (extra: number) => async (peer: RawPeer) => {
      await peer.writeRaw(upgradeRequest({ path: '/ws/pending' }));
      await peer.writeByteByByte(Buffer.alloc(extra));
    };
    const nothing = await cost(child, waiting(0));
    const held = await cost(child, waiting(500));
    expect(held - nothing).toBeLessThan(4 * KIB);
  },
  patient(60_000),
);

it('a request with very many lines says the same for the life of its connection, and keeps what was changed', async () => {
  interface Request {
    readonly headers: Record<string, unknown>;
    readonly headersDistinct: Record<string, unknown>;
    readonly rawHeaders: readonly string[];
  }
  const copyOf = ({ headers, headersDistinct, rawHeaders }: Request): object =>
    structuredClone({ headers: { ...headers }, headersDistinct: { ...headersDistinct }, rawHeaders: [...rawHeaders] });
  let before: object = {};
  @WsEndpoint({
    path: 'echo',
    handshake: ({ raw }) => {
      const { headers } = raw;
      headers['x-request-id'] = 'given';
      headers['h1'] = 'changed';
      delete headers['h2'];
      before = copyOf(raw);
    },
  })
  class Echo {
    @OnEstablish()
    enter(): void {}
  }
  const app = await startApp({ endpoints: [Echo] });
  const lines = Object.fromEntries(times(300, (i) => [`h${i}`, `v${i}`]));
  await (
    await app.peer()
  ).upgrade({ path: '/ws/echo', headers: { ...lines, 'Set-Cookie': ['a', 'b'], h3: ['x', 'y'] } });
  const [connection] = app.registry;
  const request = connection?.context.raw as unknown as Request;
  expect(before).toMatchObject({
    headers: { 'x-request-id': 'given', h1: 'changed', h3: 'x, y', 'set-cookie': ['a', 'b'] },
  });
  for (let round = 0; round < 2; round++) {
    await clearWeakRefs();
    expect(copyOf(request)).toEqual(before);
  }
  request.headers['late'] = 'also';
  Reflect.deleteProperty(request.headers, 'h4');
  await clearWeakRefs();
  expect([request.headers['late'], 'h4' in request.headers, request.headers['h1']]).toEqual(['also', false, 'changed']);
});
