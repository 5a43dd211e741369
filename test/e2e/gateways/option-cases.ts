import { once } from 'node:events';
import { connect as connectTcp, Server as TcpServer } from 'node:net';
import { jest } from '@jest/globals';
import { WebSocket } from 'ws';
import { fragments, frame, OPCODE, ping, text } from '../../support/raw-frame.js';
import { freePort } from '../../support/free-port.js';
import { afterTest } from '../../support/start-app.js';
import { startProbe, type StartedProbe } from './probe.js';
import type { Installation } from './start-gateways.js';

/** What becomes of an option. */
export type Outcome = 'honoured' | 'ignored' | 'error at boot';

/** One option of `@WebSocketGateway`: what becomes of it on the stock adapter and on ours, and how that is seen. */
export interface OptionCase {
  /** With the name as code. */
  readonly option: string;
  readonly stock: Outcome;
  readonly ours: Outcome;
  /** For the page: what differs, or what to know. */
  readonly remark: string;
  /** Tells whether the option was honoured; starts the gateway by itself. */
  readonly play: (installation: Installation) => Promise<boolean>;
}

const PATH = '/probe';

/** Starts a probe on the application's server. */
function start(installation: Installation, options: object): Promise<StartedProbe> {
  return startProbe(installation, { path: PATH, ...options });
}

/** How a connection attempt ends: `open`, or the status of the refusal. */
async function attempt(
  probe: StartedProbe,
  path: string,
  options?: Parameters<StartedProbe['connect']>[1],
): Promise<unknown> {
  return probe.connect(path, options).then(
    () => 'open',
    (error: { status?: number }) => error.status ?? 'failed',
  );
}

/** Tells whether a TCP connection to another address of this machine is taken. */
async function reaches(host: string, port: number): Promise<boolean> {
  const socket = connectTcp({ host, port });
  afterTest(() => socket.destroy());
  return once(socket, 'connect').then(
    () => true,
    () => false,
  );
}

function internalOf(client: WebSocket | undefined, name: string): unknown {
  return client === undefined ? undefined : Reflect.get(client, name);
}

export const OPTION_CASES: readonly OptionCase[] = [
  {
    option: '`path`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'patterns too: `/rooms/:room`',
    play: async (installation) => {
      const probe = await start(installation, {});
      return (await attempt(probe, PATH)) === 'open' && (await attempt(probe, '/other')) !== 'open';
    },
  },
  {
    option: 'a port, first argument',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'closed with the application',
    play: async (installation) => {
      const probe = await startProbe(installation, { path: PATH }, { port: await freePort() });
      return (await attempt(probe, PATH)) === 'open';
    },
  },
  {
    option: 'a port without `path`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'serves every path there',
    play: async (installation) => {
      const probe = await startProbe(installation, {}, { port: await freePort() });
      return (await attempt(probe, '/any/document')) === 'open' && (await attempt(probe, '/')) === 'open';
    },
  },
  {
    option: '`verifyClient`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'both forms, after origin, `login` and hook of the module; a promise is awaited',
    play: async (installation) => {
      const verifyClient = ({ req }: { req: { url?: string } }): boolean => req.url === `${PATH}?in`;
      const probe = await start(installation, { verifyClient });
      return (await attempt(probe, `${PATH}?in`)) === 'open' && (await attempt(probe, PATH)) === 401;
    },
  },
  {
    option: '`handleProtocols`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'the option `protocols` of the module goes before it; without both the first that was offered is chosen',
    play: async (installation) => {
      const probe = await start(installation, { handleProtocols: (offered: Set<string>) => [...offered].at(-1) });
      return (await probe.connect(PATH, { protocols: ['v1', 'v2'] })).protocol === 'v2';
    },
  },
  {
    option: '`host`, on a port of its own',
    stock: 'honoured',
    ours: 'honoured',
    remark: '',
    play: async (installation) => {
      const port = await freePort();
      await startProbe(installation, { host: '127.0.0.1' }, { port });
      return (await reaches('127.0.0.1', port)) && !(await reaches('127.0.0.2', port));
    },
  },
  {
    option: '`host`, on a port of its own with a path',
    stock: 'ignored',
    ours: 'honoured',
    remark: 'the stock adapter listens on all addresses',
    play: async (installation) => {
      const port = await freePort();
      await startProbe(installation, { host: '127.0.0.1', path: PATH }, { port });
      return (await reaches('127.0.0.1', port)) && !(await reaches('127.0.0.2', port));
    },
  },
  {
    option: '`host`, on the port of the application',
    stock: 'ignored',
    ours: 'error at boot',
    remark: 'where the application listens is said by `app.listen`',
    play: async (installation) => {
      await start(installation, { host: '127.0.0.3' });
      return false;
    },
  },
  {
    option: '`backlog`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'needs a port of its own',
    play: async (installation) => {
      const listen = jest.spyOn(TcpServer.prototype, 'listen');
      afterTest(() => listen.mockRestore());
      await startProbe(installation, { backlog: 7 }, { port: await freePort() });
      const asked = listen.mock.calls as readonly (readonly unknown[])[];
      return asked.some((args) => args.includes(7) || args.some((one) => Object(one).backlog === 7));
    },
  },
  {
    option: '`maxPayload`',
    stock: 'honoured',
    ours: 'honoured',
    remark:
      'is `limits.maxPayloadBytes` of this gateway; without it that of the module, 65 536 bytes, where `ws` has 100 MiB',
    play: async (installation) => {
      const probe = await start(installation, { maxPayload: 100_000 });
      const client = await probe.connect(PATH);
      await client.send({ event: 'ask', data: 'x'.repeat(90_000) });
      await client.next();
      await client.send({ event: 'ask', data: 'x'.repeat(100_000) });
      return (await client.closed()).code === 1009;
    },
  },
  {
    option: '`maxFragments`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'is `limits.maxFragments` of this gateway',
    play: async (installation) => {
      const probe = await start(installation, { maxFragments: 2 });
      const peer = await probe.peer(PATH);
      await peer.writeRaw(Buffer.concat(fragments(['{', '"event":"ask"', '}'])));
      return (await peer.nextFrame()).closeCode === 1008;
    },
  },
  {
    option: '`perMessageDeflate`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'is `compression` of this gateway: without context takeover unless it says so',
    play: async (installation) => {
      const probe = await start(installation, { perMessageDeflate: { threshold: 0, serverMaxWindowBits: 10 } });
      const client = await probe.connect(PATH);
      const { extensions } = client.raw;
      await client.send({ event: 'ask', data: 'x'.repeat(1000) });
      await client.next();
      return (
        extensions.includes('permessage-deflate') && String(client.headers['sec-websocket-extensions']).includes('=10')
      );
    },
  },
  {
    option: '`closeTimeout`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'is `closeTimeoutMs` of this gateway',
    play: async (installation) => {
      const probe = await start(installation, { closeTimeout: 40 });
      const peer = await probe.peer(PATH);
      await peer.writeRaw(text('{"event":"leave"}'));
      await peer.nextFrame();
      // Within the time that a wait has; the default of `ws` is 30 s.
      await peer.ended();
      return true;
    },
  },
  {
    option: '`clientTracking`',
    stock: 'honoured',
    ours: 'honoured',
    remark: '`server.clients` is `undefined` with `false`',
    play: async (installation) => {
      const probe = await start(installation, { clientTracking: false });
      return (await probe.ask(PATH)) !== undefined && probe.gateway.server.clients === undefined;
    },
  },
  {
    option: '`autoPong`',
    stock: 'honoured',
    ours: 'honoured',
    remark: '',
    play: async (installation) => {
      const probe = await start(installation, { autoPong: false });
      const peer = await probe.peer(PATH);
      await peer.writeRaw(Buffer.concat([ping(), text('{"event":"ask"}')]));
      return (await peer.nextFrame()).opcode === OPCODE.text;
    },
  },
  {
    option: '`allowSynchronousEvents`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'without the fast path where it is `false`',
    play: async (installation) => {
      const probe = await start(installation, { allowSynchronousEvents: false });
      const peer = await probe.peer(PATH);
      let turns = 0;
      const seen: number[] = [];
      probe.gateway.clients[0]?.[0].on('message', () => {
        seen.push(turns);
        setImmediate(() => turns++);
      });
      await peer.writeRaw(Buffer.concat([text('{"event":"ask"}'), text('{"event":"ask"}')]));
      await peer.nextFrame();
      await peer.nextFrame();
      return seen.join() === '0,1';
    },
  },
  {
    option: '`skipUTF8Validation`',
    stock: 'honoured',
    ours: 'honoured',
    remark: 'without the fast path where it is `true`',
    play: async (installation) => {
      const probe = await start(installation, { skipUTF8Validation: true });
      const peer = await probe.peer(PATH);
      const message = Buffer.concat([Buffer.from('{"event":"ask","data":"'), Buffer.of(0xff), Buffer.from('"}')]);
      await peer.writeRaw(frame({ payload: message }));
      return (await peer.nextFrame()).opcode === OPCODE.text;
    },
  },
  {
    option: '`maxBufferedChunks`',
    stock: 'honoured',
    ours: 'honoured',
    remark: '',
    play: async (installation) => {
      const probe = await start(installation, { maxBufferedChunks: 2 });
      const peer = await probe.peer(PATH);
      const socket = probe.gateway.clients[0]?.[1].socket;
      if (socket === undefined) return false;
      const bytes = frame({ payload: 'x'.repeat(100) });
      for (let part = 0; part < 4; part++) {
        const read = once(socket, 'data');
        await peer.writeRaw(bytes.subarray(part * 20, part * 20 + 20));
        await read;
      }
      return (await peer.nextFrame()).closeCode === 1008;
    },
  },
  {
    option: '`maxPendingAutoPongs`',
    stock: 'ignored',
    ours: 'honoured',
    remark: 'needs `ws` 8.23, which the stock adapter may not have',
    play: async (installation) => {
      const probe = await start(installation, { maxPendingAutoPongs: 3 });
      await probe.ask(PATH);
      return internalOf(probe.gateway.clients[0]?.[0], '_maxPendingAutoPongs') === 3;
    },
  },
  {
    option: '`WebSocket`',
    stock: 'honoured',
    ours: 'error at boot',
    remark: 'the class of the sockets is the one of this library',
    play: async (installation) => {
      class Own extends WebSocket {}
      const probe = await start(installation, { WebSocket: Own });
      await probe.ask(PATH);
      return probe.gateway.clients[0]?.[0] instanceof Own;
    },
  },
  {
    option: '`noServer`',
    stock: 'honoured',
    ours: 'honoured',
    remark: '`true` is what it is on the port of the application; anything else is an error at boot',
    play: async (installation) => (await (await start(installation, { noServer: true })).ask(PATH)) !== undefined,
  },
  {
    option: '`port`, among the options',
    stock: 'error at boot',
    ours: 'error at boot',
    remark: 'the port is the first argument of the decorator',
    play: async (installation) => {
      await start(installation, { port: await freePort() });
      return true;
    },
  },
  {
    option: '`server`',
    stock: 'ignored',
    ours: 'error at boot',
    remark: '`PlackWsAdapter.attach(server)` serves a further server',
    play: async (installation) => {
      const server = new TcpServer();
      const probe = await start(installation, { server });
      return (await attempt(probe, PATH)) !== 'open';
    },
  },
  {
    option: '`namespace`',
    stock: 'error at boot',
    ours: 'error at boot',
    remark: 'another path instead',
    play: async (installation) => {
      await start(installation, { namespace: 'rooms' });
      return true;
    },
  },
  {
    option: '`cors.origin`',
    stock: 'ignored',
    ours: 'honoured',
    remark:
      'is `origin` of this gateway, and pages of the same origin may connect as well; without it the `origin` of the module ' +
      'counts, where the stock adapter lets every page in; the rest of `cors` is ignored with a warning',
    play: async (installation) => {
      const probe = await start(installation, { cors: { origin: 'https://app.example' } });
      const own = await attempt(probe, PATH, { origin: 'https://app.example' });
      return own === 'open' && (await attempt(probe, PATH, { origin: 'https://evil.example' })) === 403;
    },
  },
  {
    option: 'others, such as `pingInterval`',
    stock: 'ignored',
    ours: 'ignored',
    remark: 'are for socket.io; ours warns of each',
    play: async (installation) => {
      const probe = await start(installation, { pingInterval: 1000 });
      const warned = probe.app.logs.at('warn').some((line) => line.includes('pingInterval'));
      if (warned !== installation.gateways) throw new Error(probe.app.logs.problems.join('\n'));
      return false;
    },
  },
];
