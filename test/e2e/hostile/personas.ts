import { connect } from '../../support/connect.js';
import { patient } from '../../support/patience.js';
import { binary, close, fragments, frame, ping, text } from '../../support/raw-frame.js';
import { upgradeRequest, type UpgradeSpec } from '../../support/raw-http.js';
import { RawPeer } from '../../support/raw-peer.js';

/** A source of chance that gives the same again for the same seed (mulberry32). */
export class Chance {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed;
  }

  /** A whole number below the limit. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

/** One client's visit, from connect to the end. Rejects only if the server treats a good client badly. */
export type Persona = (port: number, chance: Chance) => Promise<void>;

const PATH = '/ws/chaos';

/** Waits for the end of the connection, or lets go of it after a while; a bad client does not care. */
async function untilGone(peer: RawPeer, timeoutMs = 600): Promise<void> {
  await peer.ended({ timeoutMs }).catch(() => undefined);
}

async function withPeer(port: number, visit: (peer: RawPeer) => Promise<unknown>): Promise<void> {
  await using peer = await RawPeer.open(port, { timeoutMs: 1000 });
  await visit(peer).catch(() => undefined);
}

/** Upgrades and then writes bytes, and leaves in some way. */
function rude(make: (chance: Chance) => Buffer, spec: UpgradeSpec = {}): Persona {
  return (port, chance) =>
    withPeer(port, async (peer) => {
      await peer.upgrade({ path: PATH, ...spec });
      await peer.writeRaw(make(chance));
      if (chance.below(3) === 0) peer.reset();
      else if (chance.below(2) === 0) peer.end();
      await untilGone(peer);
    });
}

/** Asks for an upgrade and leaves before the answer. */
function hasty(spec: UpgradeSpec): Persona {
  return (port, chance) =>
    withPeer(port, async (peer) => {
      const bytes = Buffer.from(upgradeRequest({ path: PATH, ...spec }));
      await peer.writeRaw(chance.below(4) === 0 ? bytes.subarray(0, chance.below(bytes.length)) : bytes);
      for (let turns = chance.below(5); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      peer[chance.one(['reset', 'end'] as const)]();
    });
}

/** Clients that behave; what they send comes back, in order, or the persona rejects. */
export const GOOD: Readonly<Record<string, Persona>> = {
  async 'echoes in order'(port, chance) {
    const client = await connect(new URL(`http://127.0.0.1:${port}`), PATH, {
      timeoutMs: patient(8000),
      handshakeTimeoutMs: patient(8000),
    });
    const sent = Array.from(
      { length: 1 + chance.below(30) },
      (_, index) => `echo ${index} ${'x'.repeat(chance.below(2000))}`,
    );
    for (const message of sent) void client.send(message);
    for (const message of sent) {
      let answer = await client.next();
      // News are for everybody, whenever somebody has some.
      while (String(answer).startsWith('news')) answer = await client.next();
      if (answer !== message)
        throw new Error(`Not the echo of ${message.slice(0, 20)}: ${String(answer).slice(0, 40)}`);
    }
    const { code } = await client.close(1000);
    if (code !== 1000) throw new Error(`A polite close was answered with ${code}.`);
  },
  async 'says something and is closed'(port) {
    const client = await connect(new URL(`http://127.0.0.1:${port}`), PATH, {
      timeoutMs: patient(8000),
      handshakeTimeoutMs: patient(8000),
    });
    void client.send('close');
    const { code, reason } = await client.closed();
    if (code !== 4001 || reason !== 'asked for') throw new Error(`Closed with ${code} ${reason}.`);
  },
};

/** Clients that break every rule, or the application with what they ask for. */
export const BAD: Readonly<Record<string, Persona>> = {
  'garbage after the upgrade': rude((chance) => chance.bytes(1 + chance.below(300))),
  'garbage instead of HTTP': (port, chance) =>
    withPeer(port, async (peer) => {
      await peer.writeRaw(chance.bytes(200));
      await untilGone(peer);
    }),
  'too large a message': rude(() => text('x'.repeat(80_000))),
  'too many fragments': rude(() => Buffer.concat(fragments(Array(200).fill('x')))),
  'a message without an end': rude(() => frame({ payload: 'x', fin: false })),
  'an unmasked frame': rude(() => frame({ payload: 'x', mask: false })),
  'text that is no UTF-8': rude((chance) => frame({ payload: Buffer.of(0xff, chance.below(256)) })),
  'a bad close': rude((chance) => close(chance.one([0, 999, 1005, 1006, 5000]))),
  'a partial frame': rude((chance) => text('echo partial').subarray(0, chance.below(14))),
  'pings without end': rude(() => Buffer.concat(Array(500).fill(ping('x'.repeat(125))))),
  'work and away': rude((chance) => Buffer.concat(Array(chance.below(60)).fill(text(`slow ${chance.below(30)}`)))),
  'a failing handler': rude(() => Buffer.concat([text('throw'), text('throw'), text('echo never')])),
  'a terminating handler': rude(() => Buffer.concat([binary(Buffer.from('terminate')), text('echo')])),
  'news for everybody': rude((chance) => Buffer.concat([text(`broadcast ${chance.below(9)}`), close(1000)])),
  'a failing establish': rude(() => text('echo'), { path: `${PATH}?establish=throw` }),
  'a closing establish': rude(() => text('echo'), { path: `${PATH}?establish=close` }),
  'away during establish': rude((chance) => text(`slow ${chance.below(9)}`), { path: `${PATH}?establish=slow&ms=40` }),
  'too slow a handshake': rude(() => text('echo'), { path: `${PATH}?hook=slow&ms=300` }),
  'away during the handshake': hasty({ path: `${PATH}?hook=slow&ms=30` }),
  'away at once': hasty({}),
  'a refused handshake': rude(() => text('echo'), { path: `${PATH}?hook=refuse` }),
  'a throwing handshake': hasty({ path: `${PATH}?hook=throw` }),
  'a foreign origin': rude(() => text('echo'), { headers: { Origin: 'https://evil.example' } }),
  'an unknown path': rude(() => text('echo'), { path: '/nowhere' }),
  'a bad key': rude(() => text('echo'), { key: 'bad' }),
  'never reads': (port) =>
    withPeer(port, async (peer) => {
      await peer.upgrade({ path: PATH });
      peer.pause();
      for (let times = 0; times < 6; times++) await peer.writeRaw(text('flood'));
      await peer.writeRaw(Buffer.concat(Array(100).fill(text('flood'))));
      await untilGone(peer);
    }),
  'never answers a ping': (port) =>
    withPeer(port, async (peer) => {
      await peer.upgrade({ path: PATH });
      await untilGone(peer, 1500);
    }),
  'closes and clings': (port) =>
    withPeer(port, async (peer) => {
      await peer.upgrade({ path: PATH });
      await peer.writeRaw(close(1000));
      await untilGone(peer);
    }),
  'byte by byte': (port, chance) =>
    withPeer(port, async (peer) => {
      await peer.upgrade({ path: PATH });
      await peer.writeByteByByte(text(`echo ${'x'.repeat(chance.below(40))}`));
      await peer.nextFrame();
      peer.reset();
    }),
};
