import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, FinishInfo, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../src/index.js';
import { Gate, Journal } from '../support/journal.js';
import { close, text } from '../support/raw-frame.js';
import { startApp } from '../support/start-app.js';

/*
 * A client that sends messages and closes at once has left before the application has decided about it. Its messages wait
 * then, and a decision against it must still keep them from being handled.
 */
describe('messages of a client that has already closed', () => {
  let ended: Journal<Connection>;
  let finished: Journal<FinishInfo>;
  let handled: string[];

  beforeEach(() => {
    ended = new Journal();
    finished = new Journal();
    handled = [];
  });

  /** A client that sends three messages and its close frame with the request, and is gone when `decide` is called. */
  async function comeAndGo(endpoint: new () => object): Promise<void> {
    const app = await startApp({ endpoints: [endpoint] });
    const peer = await app.peer();
    const bytes = Buffer.concat([text('one'), text('two'), text('three'), close(1000)]);
    await peer.upgrade({ path: '/ws/any', extraBytes: bytes });
    await peer.ended();
    peer.end();
  }

  const noteEnd = (connection: Connection): void =>
    connection.signal.addEventListener('abort', () => ended.add(connection));

  describe.each<[string, (connection: Connection) => unknown]>([
    ['throws', () => Promise.reject(new Error('no'))],
    ['closes', (connection) => connection.close(4403, 'no')],
    ['cuts it', (connection) => connection.terminate()],
  ])('when @OnEstablish %s', (_how, refuse) => {
    it('are not handled', async () => {
      const decision = new Gate();
      @WsEndpoint('any')
      class Any {
        @OnEstablish()
        async enter(connection: Connection): Promise<void> {
          noteEnd(connection);
          await decision.opened;
          await refuse(connection);
        }

        @OnMessage()
        take(_connection: Connection, message: string): void {
          handled.push(message);
        }

        @OnFinish()
        leave(_connection: Connection, end: FinishInfo): void {
          finished.add(end);
        }
      }
      await comeAndGo(Any);
      await ended.next();
      decision.open();
      expect(await finished.next()).toMatchObject({ code: 1000, clean: true, initiator: 'client' });
      expect(handled).toEqual([]);
    });
  });

  describe.each<[string, (connection: Connection) => unknown]>([
    ['closes', (connection) => connection.close(4403, 'no')],
    ['cuts it', (connection) => connection.terminate()],
    ['ends its login', (connection) => connection.reauthenticate(Date.now() - 1)],
  ])('when the handler of the first %s', (_how, refuse) => {
    it('are dropped after that one', async () => {
      const decision = new Gate();
      @WsEndpoint('any')
      class Any {
        @OnEstablish()
        enter(connection: Connection): void {
          noteEnd(connection);
        }

        @OnMessage()
        async take(connection: Connection, message: string): Promise<void> {
          handled.push(message);
          await decision.opened;
          refuse(connection);
          // A timer tells the end of a login; one that is set later for the same time fires later.
          await new Promise((resolve) => setTimeout(resolve, 0));
        }

        @OnFinish()
        leave(_connection: Connection, end: FinishInfo): void {
          finished.add(end);
        }
      }
      await comeAndGo(Any);
      await ended.next();
      decision.open();
      expect(await finished.next()).toMatchObject({ code: 1000, clean: true, initiator: 'client' });
      expect(handled).toEqual(['one']);
    });
  });
});
