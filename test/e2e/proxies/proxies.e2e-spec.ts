import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../../src/index.js';
import { findProgram, freePort, startProgram } from '../../support/program.js';
import { afterTest, startApp, type StartedApp } from '../../support/start-app.js';

/* The configurations that the pages show, in the real programs. Where one is not installed, its tests are skipped. */

@WsEndpoint({ serializer: 'json' })
class Root {
  @OnEstablish()
  tell(connection: Connection): void {
    const { ip, host, secure, path } = connection.context;
    void connection.send({ ip, host, secure, path });
  }
}

@WsEndpoint({ path: 'echo', serializer: 'json' })
class Echo extends Root {
  @OnMessage('say')
  say(_connection: Connection, text: string): string {
    return text;
  }
}

interface Proxy {
  readonly file: string;
  /** Makes of the file in the repository one for these ports, in a folder of its own. */
  readonly configure: (text: string, folder: string) => string;
  readonly args: (configuration: string, folder: string) => readonly string[];
}

const PROXIES: Record<string, Proxy> = {
  nginx: {
    file: 'nginx.conf',
    configure: (server, folder) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
      const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n');
      return `pid ${folder}/pid;\nevents {}\nhttp {\naccess_log off;\n${paths}\n${server}\n}\n`;
    },
    args: (configuration, folder) => ['-p', folder, '-c', configuration, '-e', 'stderr', '-g', 'daemon off;'],
  },
  haproxy: {
    file: 'haproxy.cfg',
    configure: (text) => text,
    args: (configuration) => ['-db', '-f', configuration],
  },
};

/** Starts a proxy before an application, both on free ports; gives the port of the proxy. */
async function boot(
  program: string,
  { file, configure, args }: Proxy,
): Promise<{ readonly app: StartedApp; readonly port: number }> {
  const app = await startApp({ endpoints: [Root, Echo], options: { trustProxy: '127.0.0.1' } });
  const folder = await mkdtemp(join(tmpdir(), 'proxy-'));
  afterTest(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const shown = await readFile(new URL(file, import.meta.url), 'utf8');
  const text = shown
    .replaceAll('127.0.0.1:3000', `127.0.0.1:${app.port}`)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
    .replace('bind :8080', `bind 127.0.0.1:${port}`);
  const configuration = join(folder, file);
  await writeFile(configuration, configure(text, folder));
  await startProgram(program, args(configuration, folder), port);
  return { app, port };
}

interface Visit {
  readonly socket: WebSocket;
  readonly said: () => Promise<unknown>;
}

/** A client with an address of its own, so that it can be told from the proxy. */
async function visit(port: number, path: string, headers: Record<string, string>): Promise<Visit> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { localAddress: '127.0.0.2', headers });
  afterTest(() => socket.terminate());
  const messages: unknown[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  const said = async (): Promise<unknown> => {
    if (messages.length === 0) await once(socket, 'message');
    return messages.shift();
  };
  await once(socket, 'open');
  return { socket, said };
}

/** The status of an upgrade that is refused, or of a plain request. */
async function statusOf(port: number, path: string, headers: Record<string, string>): Promise<number | undefined> {
  const asked = request({ host: '127.0.0.1', port, path, headers, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode;
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

describe.each(Object.entries(PROXIES))('behind %s with the configuration of the pages', (name, proxy) => {
  const program = findProgram(name);
  const test = program === undefined ? it.skip : it;
  const why = program === undefined ? ` (skipped: ${name} is not installed)` : '';

  test(`a page on any port passes the origin check, and the client's address is known${why}`, async () => {
    const { port } = await boot(program ?? name, proxy);
    const headers = { host: 'app.example:8443', origin: 'http://app.example:8443', 'x-forwarded-for': '192.0.2.66' };
    const client = await visit(port, '/ws/echo', headers);
    const facts = { ip: '127.0.0.2', host: 'app.example:8443', secure: false, path: '/ws/echo' };
    expect(await client.said()).toEqual(facts);
    client.socket.send(JSON.stringify({ event: 'say', data: 'through the proxy' }));
    expect(await client.said()).toEqual({ event: 'say', data: 'through the proxy' });
  });

  test(`a page of another port or host is refused, whatever the client says about itself${why}`, async () => {
    const { port } = await boot(program ?? name, proxy);
    const headers = { ...UPGRADE, host: 'app.example:8443', 'x-forwarded-host': 'evil.example' };
    for (const origin of ['http://app.example', 'http://evil.example', 'https://app.example:8443']) {
      expect(await statusOf(port, '/ws/echo', { ...headers, origin })).toBe(403);
    }
  });

  test(`the module's own path is not redirected${why}`, async () => {
    const { port } = await boot(program ?? name, proxy);
    const client = await visit(port, '/ws', { host: 'app.example' });
    expect(await client.said()).toMatchObject({ path: '/ws' });
    expect(await statusOf(port, '/ws', { host: 'app.example' })).toBe(426);
  });

  test(`the client gets the close frame of a drain${why}`, async () => {
    const { app, port } = await boot(program ?? name, proxy);
    const { socket, said } = await visit(port, '/ws', { host: 'app.example' });
    await said();
    const closed = once(socket, 'close');
    await app.app.close();
    expect(await closed).toEqual([1001, Buffer.from('server shutting down')]);
  });
});
