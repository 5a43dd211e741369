import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, OnEstablish, WsEndpoint } from '../../src/index.js';
import { Journal } from '../support/journal.js';
import { OPCODE, ping, pong } from '../support/raw-frame.js';
import type { RawPeer } from '../support/raw-peer.js';
import { startApp } from '../support/start-app.js';

const opened = new Journal<Connection>();

@WsEndpoint('echo')
class Echo {
  @OnEstablish()
  enter(connection: Connection): void {
    opened.add(connection);
  }
}

describe('connection.ping', () => {
  let peer: RawPeer;
  let connection: Connection;
  beforeEach(async () => {
    const app = await startApp({ endpoints: [Echo] });
    peer = await app.peer();
    await peer.upgrade({ path: '/ws/echo' });
    connection = await opened.next();
  });

  /** The payload of the next ping. */
  async function nextPing(): Promise<Buffer> {
    const { opcode, payload } = await peer.nextFrame();
    expect(opcode).toBe(OPCODE.ping);
    return payload;
  }

  it('tells how long the answer took, in milliseconds', async () => {
    const before = performance.now();
    const answered = connection.ping();
    await peer.writeRaw(pong(await nextPing()));
    const roundTripMs = await answered;
    expect(roundTripMs).toBeGreaterThan(0);
    expect(roundTripMs).toBeLessThanOrEqual(performance.now() - before);
  });

  it('waits for its own answer, not for any pong', async () => {
    const told: string[] = [];
    const first = connection.ping().then(() => told.push('first'));
    const payload = await nextPing();
    for (const other of ['', 'x', 'four', Buffer.from([9, 9, 9, 9])]) await peer.writeRaw(pong(other));
    // Its answer proves that the pongs before it were read.
    await peer.writeRaw(ping('read'));
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.pong, text: 'read' });
    expect(told).toEqual([]);
    await peer.writeRaw(pong(payload));
    await first;
  });

  it('is answered together with those before it by a peer that answers the latest alone', async () => {
    const pings = [connection.ping(), connection.ping(), connection.ping()];
    const payloads = [await nextPing(), await nextPing(), await nextPing()];
    expect(new Set(payloads.map(String)).size).toBe(3);
    await peer.writeRaw(pong(payloads[1]));
    expect(await Promise.all(pings.slice(0, 2))).toEqual([expect.any(Number), expect.any(Number)]);
    await peer.writeRaw(pong(payloads[1]));
    await peer.writeRaw(pong(payloads[2]));
    expect(await pings[2]).toEqual(expect.any(Number));
  });

  it('gives undefined when the connection ends before the answer, and sends none once it closes', async () => {
    const unanswered = connection.ping();
    await nextPing();
    connection.close(4000);
    const late = connection.ping();
    expect(await late).toBeUndefined();
    expect(await peer.nextFrame()).toMatchObject({ opcode: OPCODE.close });
    peer.reset();
    expect(await unanswered).toBeUndefined();
    expect(await connection.ping()).toBeUndefined();
  });
});
