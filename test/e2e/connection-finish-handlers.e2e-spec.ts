import { beforeEach, describe, expect, it } from '@jest/globals';
import { Connection, FinishInfo, OnEstablish, OnFinish, WsEndpoint } from '../../src/index.js';
import type { QueuedClient } from '../../src/testing.js';
import { Gate, Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';

describe('the finish handlers of one connection', () => {
  let happened: Journal;
  let app: StartedApp;
  let client: QueuedClient;
  let connection: Connection;

  @WsEndpoint('room')
  class Room {
    @OnFinish()
    leave(): void {
      happened.add('endpoint finish');
    }
  }

  beforeEach(async () => {
    happened = new Journal();
    app = await startApp({ endpoints: [Room] });
    client = await app.connect('/ws/room');
    connection = [...app.registry][0] as Connection;
  });

  const adding = (text: string) => (): void => happened.add(text);

  const end = new FinishInfo(4001, 'bye', true, 'client');

  it('run in order, close being finish, then the one of the endpoint', async () => {
    connection.on('finish', adding('a'));
    connection.on('close', adding('b'));
    connection.on('finish', adding('c'));
    await client.close();
    await happened.reached(4);
    expect(happened.entries).toEqual(['a', 'b', 'c', 'endpoint finish']);
  });

  it('get the connection, how it ended and their unregister', async () => {
    const got = new Journal<unknown[]>();
    connection.on('close', (...args) => got.add(args));
    await client.close(4001, 'bye');
    expect(await got.next()).toEqual([connection, end, expect.any(Function)]);
  });

  it('all run, even if others throw or reject, and each is awaited', async () => {
    connection.on('finish', () => {
      throw new Error('one');
    });
    connection.on('finish', () => Promise.reject(new Error('two')));
    connection.on('finish', async () => {
      await Promise.resolve();
      happened.add('three');
    });
    await client.close();
    await happened.reached(2);
    expect(happened.entries).toEqual(['three', 'endpoint finish']);
    expect(app.logs.at('error')).toEqual([expect.stringContaining('one'), expect.stringContaining('two')]);
  });

  it('do not run when they were taken off', async () => {
    connection.on('finish', adding('kept'));
    connection.on('finish', adding('taken off'))();
    await client.close();
    await happened.reached(2);
    expect(happened.entries).toEqual(['kept', 'endpoint finish']);
  });

  it('run at once, asynchronously, when they come after the end', async () => {
    const got = new Journal<unknown[]>();
    await client.close(4001, 'bye');
    await happened.next();
    connection.on('finish', (...args) => got.add(args));
    expect(got.entries).toEqual([]);
    expect(await got.next()).toEqual([connection, end, expect.any(Function)]);
    connection.on('close', () => Promise.reject(new Error('late')));
    connection.on('close', adding('last'));
    expect(await happened.next()).toBe('last');
  });

  it('run once when a finish handler adds them', async () => {
    connection.on('finish', () => {
      connection.on('finish', adding('added'));
    });
    await client.close();
    await happened.reached(2);
    connection.on('finish', adding('barrier'));
    await happened.reached(3);
    expect(happened.entries.toSorted((a, b) => a.localeCompare(b))).toEqual(['added', 'barrier', 'endpoint finish']);
  });
});

describe('a finish handler that an asynchronous @OnEstablish adds after the client has left', () => {
  it('runs once', async () => {
    const happened = new Journal();
    const gate = new Gate();
    @WsEndpoint('slow')
    class Slow {
      @OnEstablish()
      async enter(connection: Connection): Promise<void> {
        happened.add('establish');
        connection.on('finish', () => happened.add('early'));
        connection.signal.addEventListener('abort', () => happened.add('aborted'));
        await gate.opened;
        connection.on('finish', () => happened.add('late'));
      }

      @OnFinish()
      leave(): void {
        happened.add('endpoint');
      }
    }
    const app = await startApp({ endpoints: [Slow] });
    const client = await app.connect('/ws/slow');
    await client.terminate();
    await happened.reached(2);
    expect(happened.entries).toEqual(['establish', 'aborted']);
    gate.open();
    await happened.reached(5);
    await app.app.close();
    expect(happened.entries.filter((entry) => entry === 'late')).toHaveLength(1);
    expect(happened.entries.at(-1)).toBe('endpoint');
  });
});
