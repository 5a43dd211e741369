import { describe, expect, it } from '@jest/globals';
import { ConnectionRegistry, OnMessage, WsEndpoint } from '../../src/index.js';
import { HandshakeRefusedError } from '../../src/testing.js';
import { Gate } from '../support/journal.js';
import { startApp } from '../support/start-app.js';

@WsEndpoint('room')
class Room {
  @OnMessage()
  echo(message: string): string {
    return message;
  }
}

describe('the beginning of a planned stop', () => {
  it('is heard while every connection is open, and awaited before the 1001', async () => {
    const app = await startApp({ endpoints: [Room] });
    const client = await app.connect('/ws/room');
    const registry = app.app.get(ConnectionRegistry);
    const [begun, mayEnd] = [new Gate(), new Gate()];
    const states: unknown[] = [];
    registry.on('drain', async () => {
      states.push(registry.state, registry.size);
      registry.broadcast('goodbye');
      begun.open();
      await mayEnd.opened;
      registry.broadcast('really');
    });
    const closed = app.app.close();
    await begun.opened;
    expect(await client.next()).toBe('goodbye');
    // It is heard and served meanwhile, but no other one comes in.
    void client.send('still there?');
    expect(await client.next()).toBe('still there?');
    await expect(app.connect('/ws/room')).rejects.toMatchObject({ status: 503 });
    await expect(app.connect('/ws/room')).rejects.toThrow(HandshakeRefusedError);
    mayEnd.open();
    expect(await client.next()).toBe('really');
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    await closed;
    expect(states).toEqual(['draining', 1]);
  });

  it('has a limit of its own within the grace time, and one that throws keeps nothing up', async () => {
    const app = await startApp({ endpoints: [Room], options: { shutdown: { graceMs: 400 } } });
    const client = await app.connect('/ws/room');
    const registry = app.app.get(ConnectionRegistry);
    registry.on('drain', () => new Promise(() => undefined));
    registry.on('drain', () => {
      throw new Error('no goodbye');
    });
    const off = registry.on('drain', () => registry.broadcast('taken off'));
    off();
    await app.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001 });
    const problems = app.logs.problems.join('\n');
    expect(problems).toContain('A registry handler failed');
    expect(problems).toContain('A drain handler of the registry has not settled');
  });

  it('is told once, also where nobody is connected', async () => {
    const app = await startApp({ endpoints: [Room] });
    let told = 0;
    app.registry.on('drain', () => void told++);
    await Promise.all([app.app.close(), app.app.close()]);
    expect(told).toBe(1);
  });

  it('is one of the events that there are', async () => {
    const { registry } = await startApp({ endpoints: [Room] });
    expect(() => registry.on('drained' as 'drain', () => undefined)).toThrow(
      'Unknown event: drained; the registry has establish, finish, drain, occupied, vacated, backplane and gap.',
    );
  });
});
