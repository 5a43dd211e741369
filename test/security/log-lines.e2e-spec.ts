import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, UseGuards, type CanActivate } from '@nestjs/common';
import { OnMessage, WsEndpoint } from '../../src/index.js';
import { startApp } from '../support/start-app.js';

@WsEndpoint({ path: 'quoting', serializer: 'json' })
class Quoting {
  @OnMessage('boom')
  boom(_connection: unknown, name: string): never {
    throw new Error(`no such thing: ${name}`, { cause: Object.assign(new Error('behind it'), { code: 'E_BEHIND' }) });
  }
}

class Nobody implements CanActivate {
  canActivate(): never {
    throw new ForbiddenException('not you');
  }
}

@UseGuards(Nobody)
@WsEndpoint('closed')
class Closed {
  @OnMessage()
  never(): void {}
}

describe('the log', () => {
  it('has one line for a fault, whatever a client wrote, with its causes and whom it is about', async () => {
    const app = await startApp({ endpoints: [Quoting] });
    const client = await app.connect('/ws/quoting');
    const forged = '\n[Nest] 1 - ERROR forged \u001b[31m\u202e';
    await client.send({ event: 'boom', data: forged, id: 1 });
    expect(await client.nextJson()).toMatchObject({ event: 'error', id: 1, data: { code: 'internal_error' } });
    const [line = ''] = app.logs.at('error');
    const [first = ''] = line.split('\n');
    expect(first).toMatch(
      /^Quoting failed: no such thing: \\n\[Nest\] 1 - ERROR forged \\e\[31m\\u202e \(connection conn\S+, address 127\.0\.0\.1\)/,
    );
    expect(line).toContain('[cause] Error: behind it');
    expect(line).toContain('code: E_BEHIND');
    // eslint-disable-next-line no-control-regex -- these are looked for
    expect(line).not.toMatch(/[\u001b\u202e]|\n\[Nest/);
  });

  it('is bounded in number however often a client repeats it', async () => {
    const app = await startApp({ endpoints: [Quoting] });
    const client = await app.connect('/ws/quoting');
    for (let i = 0; i < 40; i++) void client.send({ event: 'boom', data: 'x', id: i });
    for (let i = 0; i < 40; i++) await client.nextJson();
    expect(app.logs.at('error').filter((line) => line.startsWith('Quoting failed')).length).toBeLessThan(40);
    await app.logs.waitFor('error', /^Quoting, Error: and \d+ more in a second/);
  });

  it('has a debug line for what peers do wrong, without payload, query or token', async () => {
    const app = await startApp({ endpoints: [Quoting, Closed], options: { limits: { messagesPerSecond: 3 } } });
    await expect(app.connect('/ws/closed', { query: { token: 'secret' } })).rejects.toMatchObject({ status: 403 });
    await expect(app.connect('/ws/nowhere', { query: { token: 'secret' } })).rejects.toMatchObject({ status: 404 });
    await expect(app.connect('/ws/quoting', { origin: 'https://evil.example' })).rejects.toMatchObject({ status: 403 });
    const client = await app.connect('/ws/quoting');
    await client.send({ event: 'unknown', data: 'secret', id: 1 });
    await client.nextJson();
    await client.send('{ "secret');
    await client.nextJson();
    void client.send('x');
    void client.send('x');
    expect(await client.closed()).toMatchObject({ code: 1008 });
    const lines = app.logs.at('debug').filter((line) => !line.startsWith('Mapped'));
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^An upgrade of \/ws\/closed is refused: 403 forbidden \(address 127\.0\.0\.1\)/),
        expect.stringMatching(/^An upgrade of \/ws\/nowhere is refused: 404 not found/),
        expect.stringMatching(/^An upgrade of \/ws\/quoting is refused: 403 forbidden origin/),
        expect.stringMatching(/^Quoting refused a message: unknown_event \(connection conn/),
        expect.stringMatching(/^Quoting refused a message: bad_message/),
        expect.stringMatching(/^Quoting ends a connection with 1008 by limit/),
      ]),
    );
    expect(lines.join('\n')).not.toContain('secret');
  });
});
