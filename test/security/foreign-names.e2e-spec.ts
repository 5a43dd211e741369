import { describe, expect, it } from '@jest/globals';
import {
  ForeignHostError,
  ForeignOriginError,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
  type UpgradeFailure,
} from '../../src/index.js';
import { startApp } from '../support/start-app.js';

@WsEndpoint('echo')
class Echo {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

interface Refused {
  readonly cause: unknown;
  readonly debug: readonly string[];
}

/** What a refusal leaves behind, beside the answer. */
async function refuse(options: PlackWebSocketModuleOptions, headers: Record<string, string>): Promise<Refused> {
  const failures: UpgradeFailure[] = [];
  const app = await startApp({
    endpoints: [Echo],
    options: { ...options, onError: (failure) => void failures.push(failure) },
  });
  const answer = await (await app.peer()).upgrade({ path: '/ws/echo?token=secret', headers });
  expect(answer.status).toBe(403);
  expect(JSON.parse(answer.body)).toEqual({ statusCode: 403, message: 'forbidden origin', error: 'Forbidden' });
  expect(failures).toMatchObject([{ error: 'forbidden origin', status: 403 }]);
  expect(failures[0]?.cause).toBeInstanceOf(ForeignOriginError);
  expect(app.logs.problems).toEqual([]);
  return { cause: failures[0]?.cause, debug: app.logs.at('debug').filter((line) => line.startsWith('403')) };
}

describe('an origin that is refused', () => {
  it('stands beside the own one in the cause and in the log, with the option', async () => {
    // What a development server sends on: Host is rewritten, Origin is not.
    const { cause, debug } = await refuse({}, { Host: 'localhost:3000', Origin: 'http://localhost:5173' });
    expect(cause).toMatchObject({
      code: 'foreign_origin',
      origin: 'http://localhost:5173',
      allowed: ['http://localhost:3000'],
    });
    expect(debug).toEqual([
      `403 forbidden origin: The page's origin "http://localhost:5173" is not http://localhost:3000, where the request went. ` +
        'If the page may connect, name it: origin: ["http://localhost:5173"]. If a proxy changed the host or the scheme, ' +
        'set trustProxy. (address 127.0.0.1) PlackWebSocket',
    ]);
  });

  it('stands beside what publicUrl says', async () => {
    const { cause } = await refuse(
      { publicUrl: 'https://app.example/base' },
      { Host: 'inner', Origin: 'http://app.example' },
    );
    expect(cause).toMatchObject({ origin: 'http://app.example', allowed: ['https://app.example'] });
  });

  it('stands beside the list', async () => {
    const origin = ['https://app.example', /^https:\/\/[a-z]+\.app\.example$/];
    const { cause, debug } = await refuse({ origin }, { Origin: 'http://app.example' });
    expect(cause).toMatchObject({ origin: 'http://app.example', allowed: origin });
    expect(debug).toEqual([
      expect.stringContaining(
        `"http://app.example" is none of the option origin: https://app.example, /^https:\\/\\/[a-z]+\\.app\\.example$/.`,
      ),
    ]);
  });

  it.each<[string, Record<string, string>, string | undefined]>([
    ['an origin', { Origin: 'http://a.example' }, 'http://a.example'],
    ['none', {}, undefined],
  ])('by a function is told as well: %s', async (_what, headers, origin) => {
    const { cause, debug } = await refuse({ origin: () => false }, headers);
    expect(cause).toMatchObject({ origin, allowed: [] });
    expect(debug).toEqual([expect.stringContaining('The function in the option origin did not answer true for ')]);
  });

  it('cannot begin a line of its own or fill the log, and the query is not part of it', async () => {
    const forged = `http://a\u009b31m\t${'x'.repeat(5_000)}`;
    const { debug } = await refuse({}, { Host: 'localhost', Origin: forged });
    expect(debug).toHaveLength(1);
    expect(debug[0]).not.toMatch(/\p{Cc}|secret/u);
    expect(debug[0]?.length).toBeLessThan(1_200);
  });
});

describe('a host that is refused', () => {
  it('stands beside those that are named, in the cause and in the log', async () => {
    const failures: UpgradeFailure[] = [];
    const hosts = ['app.example', '*.app.example'];
    const app = await startApp({
      endpoints: [Echo],
      options: { hosts, onError: (failure) => void failures.push(failure) },
    });
    await (await app.peer()).upgrade({ path: '/ws/echo', headers: { Host: 'evil.example' } });
    expect(failures).toMatchObject([{ error: 'misdirected request', status: 421 }]);
    expect(failures[0]?.cause).toBeInstanceOf(ForeignHostError);
    expect(failures[0]?.cause).toMatchObject({ code: 'foreign_host', host: 'evil.example', hosts });
    expect(app.logs.at('debug').filter((line) => line.startsWith('421'))).toEqual([
      '421 misdirected request: The client asked for the host "evil.example", which is none of the option hosts: ' +
        'app.example, *.app.example. (address 127.0.0.1) PlackWebSocket',
    ]);
    expect(app.logs.problems).toEqual([]);
  });
});
