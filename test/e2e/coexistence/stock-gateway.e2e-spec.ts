import { describe, expect, it } from '@jest/globals';
import { PlackWsAdapter } from '../../../src/index.js';
import { connect } from '../../../src/testing.js';
import { stockGateway } from './neighbours.js';
import { borrowServer, closeWithBoth, expectEcho, sharesItsPortWith, startOurs, tracesOn } from './shared-port.js';

sharesItsPortWith(stockGateway);

describe(`beside ${stockGateway.name}, an application of ours`, () => {
  it('stays when the other application goes first', async () => {
    const server = await borrowServer();
    const before = tracesOn(server);
    const ours = await startOurs();
    const other = await stockGateway.settle(server);
    ours.app.get(PlackWsAdapter).attach(server);
    const client = await connect(server, '/ws/echo');
    await expectEcho(client, 'together');

    await other.close();
    await expectEcho(client, 'alone');
    await expectEcho(await connect(server, '/ws/echo'), 'new');
    await expect(connect(server, '/stock')).rejects.toMatchObject({ status: 404 });

    await ours.app.close();
    expect(tracesOn(server)).toEqual(before);
  });

  it('closes while both have clients', async () => {
    expect(await closeWithBoth(stockGateway)).toMatchObject({ code: 1001, clean: true });
  });
});
