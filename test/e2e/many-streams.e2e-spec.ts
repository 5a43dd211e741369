import { expect, it } from '@jest/globals';
import { ChildApp } from '../support/child-app.js';
import { connect } from '../support/connect.js';

// In a process of its own: the test runner keeps warnings of Node from those who listen for them.
it('many streams and listeners of one connection are no leak, so Node warns of nothing', async () => {
  await using child = await ChildApp.start(new URL('./many-streams.fixture.ts', import.meta.url));
  const client = await connect(new URL(`http://127.0.0.1:${child.port}`), '/ws/feeds');
  for (const event of ['observable', 'iterable', 'listener']) {
    for (let streams = 0; streams < 12; streams++) {
      void client.send({ event });
      expect(await client.nextJson()).toEqual({ event, data: 'item' });
    }
  }
  await child.settled();
  expect(child.stderr).toBe('');
});
