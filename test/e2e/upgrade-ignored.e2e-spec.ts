import { describe, expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';
import { upgradeRequest } from '../support/raw-http.js';
import { RawPeer } from '../support/raw-peer.js';

const FIXTURE = new URL('./hostile/ignored.fixture.ts', import.meta.url);

describe('an upgrade that is nobody’s, beside a listener that ignores it', () => {
  it('takes no harm from clients that reset or leave before anybody answers', async () => {
    await using child = await ChildApp.start(FIXTURE);
    for (const [index, leave] of (['reset', 'end', 'destroy'] as const).entries()) {
      await using peer = await RawPeer.open(child.port);
      await peer.writeRaw(upgradeRequest({ path: `/nobody/${index}` }));
      await child.heard(`left /nobody/${index}`);
      if (leave === 'destroy') peer.socket.destroy();
      else peer[leave]();
      expect(await child.heard(`closed /nobody/${index}`)).toBe(true);
    }
    expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
    const client = await connect(new URL(`http://127.0.0.1:${child.port}`), '/ws/ours');
    await client.terminate();
    expect(child.stderr).toBe('');
  });
});
