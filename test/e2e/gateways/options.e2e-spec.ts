import { describe, expect, it } from '@jest/globals';
import type { Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { freePort } from '../../support/free-port.js';
import { bootError } from '../../support/start-app.js';
import { OPTION_CASES, type Outcome } from './option-cases.js';
import { startProbe } from './probe.js';
import { BOTH, byOption as OURS, startGateways } from './start-gateways.js';

/** What becomes of an option, as it is seen. */
async function outcomeOf(play: () => Promise<boolean>): Promise<Outcome> {
  try {
    return (await play()) ? 'honoured' : 'ignored';
  } catch (error) {
    // What the decorator was given is wrong, in the words of this library, of Nest or of `ws`.
    if (/@WebSocketGateway of Probing: \w+|support namespaces|"port", "server"/.test(String(error)))
      return 'error at boot';
    throw error;
  }
}

describe.each(BOTH)('an option of @WebSocketGateway on $name', (installation) => {
  const expected = installation.gateways ? 'ours' : 'stock';
  it.each(OPTION_CASES.map((one) => [one.option, one[expected], one] as const))(
    '%s is %s',
    async (_option, outcome, { play }) => {
      expect(await outcomeOf(() => play(installation))).toBe(outcome);
    },
  );
});

type Verified = (verified: boolean, code?: number, message?: string, headers?: Record<string, string>) => void;

describe.each(BOTH)('verifyClient on $name', (installation) => {
  it('is told the origin, whether TLS is used, and the request', async () => {
    const asked: unknown[] = [];
    const probe = await startProbe(installation, {
      path: '/probe',
      cors: true,
      verifyClient: (info: { origin?: string; secure: boolean; req: { url?: string } }) =>
        asked.push([info.origin, info.secure, info.req.url]),
    });
    await probe.connect('/probe?x', { origin: 'https://app.example' });
    expect(asked).toEqual([['https://app.example', false, '/probe?x']]);
  });

  it('refuses with 401 by what counts as false', async () => {
    const probe = await startProbe(installation, { path: '/probe', verifyClient: () => 0 });
    await expect(probe.connect('/probe')).rejects.toMatchObject({ status: 401, body: 'Unauthorized' });
  });

  it.each<[string, Parameters<Verified>, object]>([
    ['nothing else', [false], { status: 401, body: 'Unauthorized' }],
    ['a status', [false, 403], { status: 403, body: 'Forbidden' }],
    ['a status and a text', [false, 418, 'tea'], { status: 418, body: 'tea' }],
    [
      'headers',
      [false, 429, 'slow', { 'Retry-After': '7' }],
      { status: 429, headers: expect.objectContaining({ 'retry-after': '7' }) },
    ],
  ])('refuses by its callback with %s', async (_what, answer, refusal) => {
    const verifyClient = (_info: unknown, callback: Verified): void => queueMicrotask(() => callback(...answer));
    const probe = await startProbe(installation, { path: '/probe', verifyClient });
    await expect(probe.connect('/probe')).rejects.toMatchObject(refusal);
  });

  it('lets in by its callback, and a second answer changes nothing', async () => {
    const verifyClient = (_info: unknown, callback: Verified): void => {
      callback(true);
    };
    const probe = await startProbe(installation, { path: '/probe', verifyClient });
    expect(await probe.ask('/probe')).toEqual({ event: 'answer', data: 1 });
  });

  it('refuses with 400 when it throws', async () => {
    const verifyClient = (): never => {
      throw new Error('a secret of verifyClient');
    };
    const probe = await startProbe(installation, { path: '/probe', verifyClient });
    const peer = await probe.app.peer();
    const answer = await peer.upgrade({ path: '/probe' }).catch((error: unknown) => error);
    // The stock adapter writes a line that is no HTTP.
    if (installation.gateways) expect(answer).toMatchObject({ status: 400 });
    expect(JSON.stringify(answer)).not.toContain('a secret');
  });
});

describe('verifyClient here', () => {
  it.each([
    ['a promise of false', async () => false, 401],
    ['a rejection', () => Promise.reject(new Error('down')), 400],
    [
      'a rejection of the second form',
      async (_info: unknown, _callback: Verified) => Promise.reject(new Error('down')),
      400,
    ],
    ['no answer at all', (_info: unknown, _callback: Verified) => undefined, 408],
    ['a status that is none', (_info: unknown, callback: Verified) => callback(false, 9000), 500],
  ])('refuses by %s', async (_what, verifyClient, status) => {
    const probe = await startProbe(OURS, { path: '/probe', verifyClient }, { options: { handshakeTimeoutMs: 50 } });
    await expect(probe.connect('/probe')).rejects.toMatchObject({ status });
  });

  it('is asked after the login of the module', async () => {
    const asked: string[] = [];
    const verifyClient = (): boolean => asked.push('verifyClient') > 0;
    const probe = await startProbe(OURS, { path: '/probe', verifyClient }, { options: { login: () => false } });
    await expect(probe.connect('/probe')).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual([]);
  });
});

describe.each(BOTH)('subprotocols of a gateway on $name', (installation) => {
  it.each([
    ['the first that is offered', undefined, ['v1', 'v2'], 'v1'],
    ['none where none is offered', undefined, [], ''],
    ['what handleProtocols says', (offered: Set<string>) => [...offered][1], ['v1', 'v2'], 'v2'],
    ['none where handleProtocols says none', () => false, ['v1', 'v2'], ''],
  ])('are %s', async (_what, handleProtocols, protocols, expected) => {
    const probe = await startProbe(installation, { path: '/probe', ...(handleProtocols && { handleProtocols }) });
    const peer = await probe.app.peer();
    const headers = protocols.length === 0 ? {} : { 'Sec-WebSocket-Protocol': protocols.join(', ') };
    const answer = await peer.upgrade({ path: '/probe', headers });
    expect([answer.status, answer.headers['sec-websocket-protocol'] ?? '']).toEqual([101, expected]);
  });
});

describe('options of gateways that share a server', () => {
  const gateway = (options: object): Type => {
    @WebSocketGateway({ path: '/shared', ...options })
    class Sharing {}
    return Sharing;
  };

  it.each([0, 1])('count wherever they are written (%d)', async (place) => {
    const options = [{}, { verifyClient: () => false }];
    const app = await startGateways([gateway(options[place] ?? {}), gateway(options[1 - place] ?? {})]);
    await expect(app.connect('/shared')).rejects.toMatchObject({ status: 401 });
  });

  it('are an error at boot where they differ', async () => {
    const providers = [gateway({ maxPayload: 5 }), gateway({ maxPayload: 6 })];
    const error = await bootError({ providers, options: { gateways: true } });
    expect(error.message).toMatch(/Sharing and of Sharing share a server and differ about maxPayload/);
  });

  it('are an error at boot where they say two hosts for one port', async () => {
    const port = await freePort();
    @WebSocketGateway(port, { path: '/one', host: '127.0.0.1' })
    class One {}
    @WebSocketGateway(port, { path: '/two' })
    class Two {}
    const error = await bootError({ providers: [One, Two], options: { gateways: true } });
    expect(error.message).toMatch(/of (?:One and of Two|Two and of One) share port \d+ and differ about host/);
  });
});

describe('wrong options of a gateway', () => {
  it.each([
    ['verifyClient', 'yes', 'verifyClient must be a function, not "yes"'],
    ['handleProtocols', ['v1'], 'handleProtocols must be a function'],
    ['maxPayload', '1mb', 'maxPayload must be 0 (no limit) or a whole number of bytes between 1 and'],
    ['maxPayload', Infinity, 'maxPayload must be'],
    ['perMessageDeflate', 'yes', 'perMessageDeflate must be true, false, or an object'],
    ['cors', 'https://app.example', 'cors must be'],
    ['cors', { origin: 5 }, 'cors.origin must be'],
    ['host', '127.0.0.1', 'host is for a gateway with a port of its own'],
    ['noServer', false, 'noServer is decided by the port'],
  ])('are an error at boot: %s of %p', async (name, value, message) => {
    @WebSocketGateway({ path: '/wrong', [name]: value } as object)
    class Wrong {}
    const error = await bootError({ providers: [Wrong], options: { gateways: true } });
    expect(error.message).toContain(`@WebSocketGateway of Wrong: ${message}`);
  });

  it('are no error where they are null, as ws has it', async () => {
    const probe = await startProbe(OURS, { path: '/probe', verifyClient: null, handleProtocols: null });
    expect(await probe.ask('/probe')).toEqual({ event: 'answer', data: 1 });
  });

  it('are named with the one that was meant', async () => {
    const probe = await startProbe(OURS, { path: '/probe', verifyclient: () => false });
    expect(probe.app.logs.at('warn')).toContainEqual(
      expect.stringMatching(/verifyclient is not an option of ws and is ignored.*Did you mean verifyClient\?/),
    );
  });
});

describe('cors of a gateway', () => {
  type Answer = (error: unknown, allowed?: unknown) => void;
  const FOREIGN = 'https://app.example';

  it.each<[string, unknown, 'open' | 403]>([
    ['true', true, 'open'],
    ['false', false, 403],
    ['no origin', { credentials: true }, 403],
    ['origin: true', { origin: true }, 'open'],
    ["origin: '*'", { origin: '*' }, 'open'],
    ['origin: false', { origin: false }, 403],
    ['another origin', { origin: 'https://other.example' }, 403],
    ['a list', { origin: ['https://other.example', /^https:\/\/app\.example$/] }, 'open'],
    ['a function that says yes', { origin: (_origin: string, answer: Answer) => answer(null, true) }, 'open'],
    ['a function that names it', { origin: (_origin: string, answer: Answer) => answer(null, [FOREIGN]) }, 'open'],
    ['a function that names another', { origin: (_origin: string, answer: Answer) => answer(null, 'https://x') }, 403],
    ['a function that says no', { origin: (_origin: string, answer: Answer) => answer(new Error('no')) }, 403],
  ])('decides about a page of another origin: %s', async (_what, cors, expected) => {
    const probe = await startProbe(OURS, { path: '/probe', cors });
    const attempt = probe.connect('/probe', { origin: FOREIGN });
    expect(
      await attempt.then(
        () => 'open',
        (error: { status: number }) => error.status,
      ),
    ).toBe(expected);
    // A page of the application itself needs no permission.
    await probe.connect('/probe', { origin: `http://127.0.0.1:${probe.port}` });
  });

  it('warns of the rest of it', async () => {
    const probe = await startProbe(OURS, { path: '/probe', cors: { origin: '*', credentials: true, methods: 'GET' } });
    expect(probe.app.logs.at('warn')).toContainEqual(
      expect.stringContaining('cors.credentials, cors.methods say nothing about a WebSocket and are ignored'),
    );
  });
});
