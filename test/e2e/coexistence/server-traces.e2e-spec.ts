import type { Server } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { OnEstablish, Connection, PlackWsAdapter, WsEndpoint } from '../../../src/index.js';
import { connect } from '../../support/connect.js';
import { startApp, type StartedApp } from '../../support/start-app.js';
import { borrowServer, expectEcho, startOurs, tracesOn } from './start-ours.js';

function attach(ours: StartedApp, server: Server): () => void {
  return ours.app.get(PlackWsAdapter).attach(server);
}

describe('what is attached to a server', () => {
  it('is gone from the server of the application after its close', async () => {
    const before: object[] = [];
    const ours = await startOurs({ configure: (app) => before.push(tracesOn(app.getHttpServer())) });
    const server = ours.app.getHttpServer();
    expect(tracesOn(server)).not.toEqual(before[0]);
    await (await ours.connect('/ws/echo')).close(1000);
    await ours.app.close();
    expect(tracesOn(server)).toEqual(before[0]);
  });

  it('is gone when it is taken off, however often, while other servers keep theirs', async () => {
    const ours = await startOurs();
    const [one, two] = [await borrowServer(), await borrowServer()];
    const before = tracesOn(one);
    const takeOff = attach(ours, one);
    attach(ours, two);
    await expectEcho(await connect(one, '/ws/echo'), 'one');
    takeOff();
    takeOff();
    expect(tracesOn(one)).toEqual(before);
    await expectEcho(await connect(two, '/ws/echo'), 'two');
    await expectEcho(await ours.connect('/ws/echo'), 'main');
  });

  it('can be attached again', async () => {
    const ours = await startOurs();
    const server = await borrowServer();
    const before = tracesOn(server);
    attach(ours, server)();
    const takeOff = attach(ours, server);
    await expectEcho(await connect(server, '/ws/echo'), 'again');
    takeOff();
    expect(tracesOn(server)).toEqual(before);
  });

  it('leaves an emit of somebody else as it was, whether wrapped before or after', async () => {
    const ours = await startOurs();
    const server = await borrowServer();
    const seen: string[] = [];
    const wrap = (name: string): Server['emit'] => {
      const inherited = server.emit;
      return (server.emit = function emit(this: Server, event: string, ...args: unknown[]): boolean {
        seen.push(`${name} ${event}`);
        return Reflect.apply(inherited, this, [event, ...args]);
      } as Server['emit']);
    };
    const first = wrap('first');
    attach(ours, server)();
    expect(server.emit).toBe(first);

    const takeOff = attach(ours, server);
    const second = wrap('second');
    await expectEcho(await connect(server, '/ws/echo'), 'wrapped');
    expect(seen).toContain('second upgrade');
    expect(seen).not.toContain('first upgrade');
    takeOff();
    expect(server.emit).toBe(second);
    server.emit('upgrade', {}, {}, {});
    expect(seen).toContain('first upgrade');
  });
});

describe('two applications on one server', () => {
  @WsEndpoint('hello')
  class Hello {
    @OnEstablish()
    greet(connection: Connection): void {
      void connection.send('hello');
    }
  }

  async function startBoth(server: Server): Promise<{ ours: StartedApp; second: StartedApp }> {
    const ours = await startOurs();
    const second = await startApp({ endpoints: [Hello], options: { path: '/second' } });
    attach(ours, server);
    attach(second, server);
    return { ours, second };
  }

  it('serve each its own paths, and nobody serves any other', async () => {
    const server = await borrowServer();
    await startBoth(server);
    await expectEcho(await connect(server, '/ws/echo'), 'first');
    expect(await (await connect(server, '/second/hello')).next()).toBe('hello');
    await expect(connect(server, '/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  it.each(['first', 'second'])('leave no trace when the %s closes first', async (goes) => {
    const server = await borrowServer();
    const before = tracesOn(server);
    const { ours, second } = await startBoth(server);
    await (goes === 'first' ? ours : second).app.close();
    if (goes === 'first') expect(await (await connect(server, '/second/hello')).next()).toBe('hello');
    else await expectEcho(await connect(server, '/ws/echo'), 'still there');
    await (goes === 'first' ? second : ours).app.close();
    expect(tracesOn(server)).toEqual(before);
  });
});
