import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { Connection, MemoryBackplane, OnEstablish, WsEndpoint, type GapEvent } from '../../../src/index.js';
import { FaultyBackplane } from '../../support/faulty-backplane.js';
import { startNodes } from '../../support/nodes.js';
import { bootError, startApp, type StartedApp } from '../../support/start-app.js';
import { until } from '../../support/until.js';

@WsEndpoint({ path: 'red' })
class Red {
  @OnEstablish()
  enter(connection: Connection): void {
    connection.join('red');
    void connection.send('in');
  }
}

async function startTwo(): Promise<{ nodes: [StartedApp, StartedApp]; engines: [FaultyBackplane, FaultyBackplane] }> {
  const engines: FaultyBackplane[] = [];
  const make = (options: object): FaultyBackplane => {
    const engine = new FaultyBackplane({ ...options, nodeTimeoutMs: 1_000 });
    engines.push(engine);
    return engine;
  };
  const nodes = await startNodes(2, make, { endpoints: [Red] });
  return { nodes: nodes as [StartedApp, StartedApp], engines: engines as [FaultyBackplane, FaultyBackplane] };
}

/** A member of red on this node that has heard of the other node already. */
async function enterRed(node: StartedApp, other: StartedApp): Promise<{ hear(): Promise<unknown>; gaps: GapEvent[] }> {
  const client = await node.connect('/ws/red');
  await client.next();
  const gaps: GapEvent[] = [];
  node.registry.on('gap', (gap) => gaps.push(gap));
  await other.registry.to('*').count();
  other.registry.to('red').send('first');
  expect(await client.next()).toBe('first');
  return { hear: () => client.next(), gaps };
}

describe('what is lost between nodes', () => {
  it('is told with its channel, its node and how much it was, when the next message comes', async () => {
    const { nodes, engines } = await startTwo();
    const { hear, gaps } = await enterRed(nodes[0], nodes[1]);
    engines[1].losing = 2;
    nodes[1].registry.to('red').send('lost');
    nodes[1].registry.to('red').send('lost too');
    nodes[1].registry.to('red').send('heard');
    expect(await hear()).toBe('heard');
    expect(gaps).toEqual([{ channel: 'red', node: nodes[1].registry.nodes[0]?.id, missed: 2 }]);
  });

  it('is told by a publisher whose engine was away, once it is back', async () => {
    const { nodes, engines } = await startTwo();
    const { gaps } = await enterRed(nodes[0], nodes[1]);
    const states: string[] = [];
    nodes[1].registry.on('backplane', (state) => states.push(state));
    engines[1].interrupt();
    expect(nodes[1].registry.backplane.state).toBe('degraded');
    expect(nodes[1].registry.to('red').send('lost')).toEqual({ matched: 0, sent: 0, dropped: 0, relayed: 'away' });
    expect(await nodes[1].registry.to('red').count()).toMatchObject({ total: 0, missing: [expect.any(String)] });
    engines[1].comeBack();
    await until(() => gaps.length > 0, 'the gap is told');
    expect(gaps).toEqual([{ channel: 'red', node: nodes[1].registry.nodes[0]?.id, missed: 1 }]);
    await until(() => nodes[1].registry.backplane.state === 'connected', 'the backplane is connected');
    expect(states).toEqual(['degraded', 'connected']);
  });

  it('is asked for by a receiver whose engine was away', async () => {
    const { nodes, engines } = await startTwo();
    const { hear, gaps } = await enterRed(nodes[0], nodes[1]);
    engines[0].interrupt();
    nodes[1].registry.to('red').send('lost');
    nodes[1].registry.to('red').send('lost too');
    // Arrives at an engine that does not pass it on.
    await new Promise((resolve) => setImmediate(resolve));
    engines[0].comeBack();
    await until(() => gaps.length > 0, 'the gap is told');
    expect(gaps).toEqual([{ channel: 'red', node: nodes[1].registry.nodes[0]?.id, missed: 2 }]);
    nodes[1].registry.to('red').send('heard');
    expect(await hear()).toBe('heard');
    expect(gaps).toHaveLength(1);
  });

  it('is nothing where an interruption lost nothing', async () => {
    const { nodes, engines } = await startTwo();
    const { hear, gaps } = await enterRed(nodes[0], nodes[1]);
    engines[0].interrupt();
    engines[0].comeBack();
    await until(() => nodes[0].registry.backplane.state === 'connected', 'the backplane is connected');
    nodes[1].registry.to('red').send('heard');
    expect(await hear()).toBe('heard');
    expect(gaps).toEqual([]);
  });
});

describe('a node that is gone without a word', () => {
  it('is among the missing, then among nothing', async () => {
    const { nodes, engines } = await startTwo();
    const [one, two] = nodes;
    const lost = two.registry.nodes[0]?.id;
    engines[1].interrupt();
    expect(await one.registry.to('*').count()).toEqual({
      total: 0,
      nodes: [one.registry.nodes[0]?.id],
      missing: [lost],
    });
    await until(() => one.registry.nodes.length === 1, 'the node counts as gone');
    expect(await one.registry.to('*').count()).toMatchObject({ missing: [] });
    engines[1].comeBack();
    await until(() => one.registry.nodes.length === 2, 'the node is back');
  });
});

describe('what comes from the engine', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('hello')],
    ['another version', Buffer.from([9, 3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0])],
    ['an unknown kind', Buffer.from([1, 200, ...Buffer.from('12345678'), 0, 0])],
    ['a cut message', Buffer.from([1, 3, ...Buffer.from('12345678'), 1, 0, 1, 200])],
    ['a list without an end', Buffer.from([1, 3, ...Buffer.from('12345678'), 1, 0, 1, 255, 255, 255, 255, 127])],
    ['a close code that cannot be sent', Buffer.from([1, 4, ...Buffer.from('12345678'), 0, 0, 1, 0, 0, 0, 1, 0])],
    ['a node that greets with nonsense', Buffer.from([1, 1, ...Buffer.from('12345678'), 0, 0, 255, 255])],
  ])('is dropped with a line when it is %s', async (_name, envelope) => {
    const prefix = `test-${randomBytes(6).toString('hex')}`;
    const app = await startApp({ endpoints: [Red], options: { backplane: new MemoryBackplane({ prefix }) } });
    const client = await app.connect('/ws/red');
    await client.next();
    const hostile = new MemoryBackplane({ prefix });
    await hostile.open({ receive: () => undefined, followed: () => undefined, engine: () => undefined });
    hostile.publish('a', envelope);
    hostile.publish('a', envelope);
    await app.logs.waitFor('warn', /envelope/);
    expect(app.logs.problems).toHaveLength(1);
    expect(app.registry.to('red').send('still here')).toMatchObject({ sent: 1 });
    expect(await client.next()).toBe('still here');
    await hostile.close();
  });
});

describe('at boot', () => {
  it('names a serializer that nodes cannot tell from others', async () => {
    const nameless = { encode: (value: unknown) => String(value), decode: (data: unknown) => data };
    @WsEndpoint({ path: 'own', serializer: nameless as never })
    class Own {
      @OnEstablish()
      enter(): void {}
    }
    const error = await bootError({ endpoints: [Own], options: { backplane: new MemoryBackplane() } });
    expect(error.message).toMatch(/serializer of Own has no name/);
  });

  it('refuses one instance in two applications, and takes it again after the first has closed', async () => {
    const backplane = new MemoryBackplane({ prefix: `test-${randomBytes(6).toString('hex')}` });
    const first = await startApp({ endpoints: [Red], options: { backplane } });
    const error = await bootError({ endpoints: [Red], options: { backplane } });
    expect(error.message).toMatch(/MemoryBackplane was given to two applications/);
    await first.app.close();
    const second = await startApp({ endpoints: [Red], options: { backplane } });
    expect(second.registry.backplane.state).toBe('connected');
  });

  it('refuses what is no backplane', async () => {
    const error = await bootError({ options: { backplane: 'redis://localhost' as never } });
    expect(error.message).toMatch(/backplane must be a backplane, such as new MemoryBackplane/);
  });

  it('names engine, prefix and node in one line, and says that nothing is relayed after the stop', async () => {
    const backplane = new MemoryBackplane({ prefix: 'shown', node: 'left' });
    const app = await startApp({ endpoints: [Red], options: { backplane } });
    const [line] = app.logs.at('log').filter((text) => text.startsWith('Backplane'));
    expect(line).toMatch(/^Backplane: memory, prefix shown, node left \([\w-]{8}\)\./);
    await app.app.close();
    expect(app.registry.to('red').send('late')).toEqual({ matched: 0, sent: 0, dropped: 0, relayed: 'not ready' });
  });
});
