import { describe, expect, it } from '@jest/globals';
import { Gate } from '../../support/journal.js';
import { socketIo } from './neighbours.js';
import { closeWithBoth, expectEcho, sharesItsPortWith, startOurs } from './shared-port.js';

sharesItsPortWith(socketIo);

describe(`beside ${socketIo.name}, an application of ours`, () => {
  it('takes 1.5 s for a handshake, longer than socket.io lets a silent socket live', async () => {
    const asked = new Gate();
    const ours = await startOurs({
      ...socketIo.inside,
      options: {
        handshake: async () => {
          asked.open();
          await new Promise((resolve) => setTimeout(resolve, 1_500));
        },
      },
    });
    const connecting = ours.connect('/ws/echo');
    await asked.opened;
    const theirs = await socketIo.talk(ours.app.getHttpServer());
    expect(await theirs.echo('meanwhile')).toBe('meanwhile');
    const client = await connecting;
    await expectEcho(client, 'at last');
    expect(await theirs.echo('after')).toBe('after');
  });

  it('closes while both have clients', async () => {
    expect(await closeWithBoth(socketIo)).toMatchObject({ code: 1001, clean: true });
  });
});
