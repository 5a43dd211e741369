import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { patient } from '../support/patience.js';
import { binary, close, frame, text } from '../support/raw-frame.js';
import { RawPeer } from '../support/raw-peer.js';

const FIXTURE = new URL('./hostile/leak.fixture.ts', import.meta.url);
const PATH = '/ws/leak';
const TIMES = 25;

interface Count {
  readonly seen: Readonly<Record<string, number>>;
  readonly alive: Readonly<Record<string, number>>;
  readonly channels: number;
  readonly open: number;
}

/** A way for a connection to live and to end; the peer is gone when it is over. */
type Way = (peer: RawPeer) => Promise<unknown>;

async function upgraded(peer: RawPeer, query = ''): Promise<void> {
  expect((await peer.upgrade({ path: `${PATH}${query}` })).status).toBe(101);
  await peer.nextFrame();
}

const WAYS: readonly [string, Way][] = [
  [
    'a close of the client',
    async (peer) => {
      await upgraded(peer, '?hook=later');
      await peer.writeRaw(Buffer.concat([text('move'), text('hello'), close(1000)]));
      await peer.ended();
    },
  ],
  [
    'a reset in the middle of a feed',
    async (peer) => {
      await upgraded(peer);
      await peer.writeRaw(text('feed'));
      await peer.nextFrame();
      peer.reset();
    },
  ],
  [
    'a close of the application',
    async (peer) => {
      await upgraded(peer);
      await peer.writeRaw(text('close'));
      await peer.nextFrame();
      await peer.writeRaw(close(4000));
      await peer.ended();
    },
  ],
  [
    'terminate',
    async (peer) => {
      await upgraded(peer);
      await peer.writeRaw(text('terminate'));
      await peer.ended();
    },
  ],
  [
    'a failing handler',
    async (peer) => {
      await upgraded(peer);
      await peer.writeRaw(text('throw'));
      await peer.ended().catch(() => undefined);
    },
  ],
  [
    'a failing establish',
    async (peer) => {
      await peer.upgrade({ path: `${PATH}?establish=throw` });
      await peer.nextFrame();
      peer.reset();
    },
  ],
  [
    'a broken protocol',
    async (peer) => {
      await upgraded(peer);
      await peer.writeRaw(frame({ rsv: 7 }));
      await peer.ended();
    },
  ],
  ['a refused handshake', (peer) => peer.upgrade({ path: `${PATH}?hook=refuse` })],
  ['a handshake whose time is over', (peer) => peer.upgrade({ path: `${PATH}?hook=never` })],
  [
    'a client that leaves before the decision',
    async (peer) => {
      const answered = peer.upgrade({ path: `${PATH}?hook=never` });
      peer.reset();
      await answered.catch(() => undefined);
    },
  ],
];

const hang: Way = async (peer) => {
  await upgraded(peer);
  await peer.writeRaw(Buffer.concat(Array(300).fill(binary(Buffer.of(1)))));
  peer.reset();
};

let counts = 0;

/** Counts what is still alive, again and again until nothing is or it takes too long. */
async function leftOver(child: ChildApp): Promise<Count> {
  const end = performance.now() + patient(5_000);
  for (;;) {
    const name = `count${(counts += 1)}`;
    child.tell({ count: name });
    const count = (await child.heard(name)) as Count;
    const isClean = Object.values(count.alive).every((alive) => alive === 0);
    if (isClean || performance.now() > end) return count;
  }
}

/** Lets clients come and go in some ways, and counts what they left behind. */
async function visit(ways: readonly (readonly [string, Way])[]): Promise<Count> {
  await using child = await ChildApp.start(FIXTURE);
  for (const [, way] of ways) {
    const peers = await Promise.all(Array.from({ length: TIMES }, () => RawPeer.open(child.port)));
    await Promise.all(
      peers.map(async (peer) => {
        await way(peer);
        await peer[Symbol.asyncDispose]();
      }),
    );
  }
  const count = await leftOver(child);
  expect(child.stderr).toBe('');
  return count;
}

function nothing(seen: Count['seen']): object {
  return { alive: Object.fromEntries(Object.keys(seen).map((kind) => [kind, 0])), channels: 0, open: 0 };
}

describe('what a connection needed', () => {
  it(
    'is garbage once it is over, however it ended',
    async () => {
      const { seen, ...left } = await visit(WAYS);
      expect(seen).toMatchObject({ connection: TIMES * 7, context: TIMES * 10, socket: TIMES * 10, end: TIMES * 7 });
      expect(left).toEqual(nothing(seen));
    },
    patient(40_000),
  );

  it(
    'is garbage although its handler never settles',
    async () => {
      const { seen, ...left } = await visit([['a handler that never settles', hang]]);
      expect(seen).toMatchObject({ connection: TIMES, end: TIMES });
      expect(left).toEqual(nothing(seen));
    },
    patient(40_000),
  );
});
