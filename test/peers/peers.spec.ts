import { describe, expect, it } from '@jest/globals';
import type { FinishInfo } from 'nestjs-plack-websocket';
import { Gate, Journal } from '../support/journal.js';
import { startApp, type StartedApp } from '../support/start-app.js';
import { aedes } from './libraries/aedes.js';
import { graphqlHandedOver, graphqlRaw } from './libraries/graphql-ws.js';
import { hocuspocusHandedOver, hocuspocusRaw } from './libraries/hocuspocus.js';
import { ocppRpc } from './libraries/ocpp-rpc.js';
import { yWebsocket } from './libraries/y-websocket.js';
import { beforeTaking, type Library, type LibraryClient } from './library.js';

const LIBRARIES: readonly (readonly [string, Library])[] = [
  ['y-websocket, with a socket that is handed over', yWebsocket],
  ['hocuspocus, with a socket that is handed over', hocuspocusHandedOver],
  ['hocuspocus, on a raw endpoint', hocuspocusRaw],
  ['graphql-ws, with a socket that is handed over', graphqlHandedOver],
  ['graphql-ws, on a raw endpoint', graphqlRaw],
  ['ocpp-rpc, with a socket that is handed over', ocppRpc],
  ['aedes, with a stream', aedes],
];

/** That the endpoints of the other libraries are not served is said once in a process. */
const problemsOf = ({ logs }: StartedApp): string[] => logs.problems.filter((line) => !line.includes('is not served'));

const WORDS = Array.from({ length: 200 }, (_, n) => `word ${n}`);

describe.each(LIBRARIES)('%s', (_name, library) => {
  let finished: Journal<Pick<FinishInfo, 'code' | 'initiator'>>;

  async function start(): Promise<StartedApp> {
    beforeTaking.wait = () => Promise.resolve();
    const app = await startApp({ endpoints: [library.endpoint], providers: [...(library.providers ?? [])] });
    finished = new Journal();
    app.registry.on('finish', (_connection, { code, initiator }) => finished.add({ code, initiator }));
    return app;
  }

  const open = (app: StartedApp): Promise<LibraryClient> => library.open(`ws://127.0.0.1:${app.port}/ws/library`);

  /** Opens a client that the library knows: it has had an answer. */
  async function openKnown(app: StartedApp): Promise<LibraryClient> {
    const client = await open(app);
    expect(await client.ask(['hello'])).toEqual(['hello']);
    expect(library.clients()).toBe(1);
    return client;
  }

  it('answers, also many messages at once', async () => {
    const app = await start();
    const client = await openKnown(app);
    expect(await client.ask(WORDS)).toEqual(WORDS);
    expect(problemsOf(app)).toEqual([]);
  });

  it('answers what came before it was there', async () => {
    const app = await start();
    const gate = new Gate();
    beforeTaking.wait = async (connection) => {
      await gate.opened;
      // The answer to it is behind all that the client has sent.
      await connection.ping();
    };
    const client = await open(app);
    const answers = client.ask(WORDS);
    gate.open();
    expect(await answers).toEqual(WORDS);
  });

  it('notices that its client leaves', async () => {
    const app = await start();
    const client = await openKnown(app);
    await client.leave();
    expect(await finished.next()).toMatchObject({ initiator: 'client' });
    while (library.clients() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(app.registry.size).toBe(0);
    expect(problemsOf(app)).toEqual([]);
  });

  it('closes, and its client gets the code', async () => {
    const app = await start();
    const client = await openKnown(app);
    const code = await library.close();
    expect(await client.ended).toMatchObject({ code });
    expect(await finished.next()).toEqual({ code, initiator: 'server' });
    expect(problemsOf(app)).toEqual([]);
  });

  it('is drained with 1001', async () => {
    const app = await start();
    const client = await openKnown(app);
    await app.app.close();
    expect(await client.ended).toEqual({ code: 1001, reason: 'server shutting down' });
    expect(await finished.next()).toEqual({ code: 1001, initiator: 'shutdown' });
    expect(problemsOf(app)).toEqual([]);
  });
});
