import { setTimeout } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { EngineProcess } from '../../support/engine-process.js';
import { patient } from '../../support/patience.js';
import { askRedis, clientsOf, startRedis, urlOf } from '../../support/redis-server.js';
import { afterTest } from '../../support/start-app.js';
import { randomPrefix } from '../support/journal-receiver.js';
import { LIBRARIES, RedisNode } from './support.js';

describe.each(LIBRARIES)('RedisBackplane with $library', ({ options }) => {
  let server: EngineProcess;
  let url: string;
  let prefix: string;

  beforeEach(async () => {
    server = await startRedis(['--enable-debug-command', 'yes']);
    url = urlOf(server);
    prefix = randomPrefix();
    afterTest(() => server.end());
  });

  const open = (more: object = {}): Promise<RedisNode> => RedisNode.open({ prefix, ...options(url), ...more });

  const arrives = async (from: RedisNode, to: RedisNode, subject: string): Promise<string> => {
    const since = to.journal.entries.length;
    expect(from.publish(subject, 'after')).toBe('yes');
    return to.journal.until(`${subject}: after`, since);
  };

  const faults: Readonly<Record<string, () => Promise<unknown>>> = {
    'a restart': async () => {
      await server.stop();
      await server.start();
    },
    'a kill': async () => {
      await server.kill();
      await server.start();
    },
    'a cut of all subscribers, as for a full output buffer': () => askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub'),
    'a cut of all publishers': () => askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'normal'),
  };

  it.each(Object.keys(faults))('tells one interruption and follows everything again after %s', async (fault) => {
    const one = await open();
    const other = await open();
    await other.follow('c_a');
    await other.follow('c_b');
    const since = other.journal.entries.length;
    await faults[fault]?.();
    await other.journal.until('down', since);
    await other.journal.until('up', since);
    await other.journal.until('followed c_a', since);
    await other.journal.until('followed c_b', since);
    await one.journal.until('up', one.journal.entries.findIndex((entry) => entry.startsWith('down')) + 1);
    await arrives(one, other, 'c_a');
    expect(other.journal.entries.slice(since)).toEqual([
      expect.stringMatching(/^down: ./),
      'up',
      'followed c_a',
      'followed c_b',
      'c_a: after',
    ]);
  });

  it('says that it is away from the moment of a cut to the return', async () => {
    const node = await open();
    await server.kill();
    await node.journal.until('down');
    expect(node.publish('c_a', 'x')).toBe('away');
    await expect(node.backplane.probe()).rejects.toThrow('Redis is away.');
    node.backplane.follow('c_a');
    await server.start();
    await node.journal.until('followed c_a');
    expect(node.journal.entries.slice(-2)).toEqual(['up', 'followed c_a']);
    await arrives(node, node, 'c_a');
  });

  it('notices a paused server, and comes back by itself', async () => {
    const one = await open();
    const other = await open();
    await other.follow('c_a');
    server.pause();
    const pausedAt = performance.now();
    expect(await other.journal.until('down')).toMatch(/No answer for 300 ms|taken nothing/);
    expect(performance.now() - pausedAt).toBeLessThan(patient(900));
    await one.journal.until('down');
    expect(one.publish('c_a', 'x')).toBe('away');
    server.resume();
    await other.journal.until('up', 2);
    await one.journal.until('up', 2);
    await arrives(one, other, 'c_a');
  });

  it('drops after publishTimeoutMs without a reply, and says so', async () => {
    const node = await open({ nodeTimeoutMs: 60_000, publishTimeoutMs: 400 });
    server.pause();
    expect(node.publish('c_a', 'x')).toBe('yes');
    await node.journal.until('down: Redis has taken nothing for 400 ms.');
    expect(node.publish('c_a', 'x')).toBe('away');
    server.resume();
    await node.journal.until('up', 2);
    expect(node.publish('c_a', 'x')).toBe('yes');
  });

  it('keeps no more than maxPendingBytes for a paused server', async () => {
    const node = await open({ nodeTimeoutMs: 60_000, publishTimeoutMs: 60_000, maxPendingBytes: 1_000_000 });
    await node.follow('c_a');
    server.pause();
    const answers = Array.from({ length: 5_000 }, () => node.publish('c_a', 'x'.repeat(100)));
    const taken = answers.filter((answer) => answer === 'yes').length;
    expect(taken).toBe(Math.floor(1_000_000 / 356));
    expect(new Set(answers.slice(taken))).toEqual(new Set(['away']));
    server.resume();
    await node.backplane.probe();
    expect(node.journal.count('c_a: ')).toBe(taken);
    expect(node.publish('c_a', 'x')).toBe('yes');
  });

  it('survives a stall of the server', async () => {
    const node = await open();
    await node.follow('c_a');
    const stall = askRedis(url, 'DEBUG', 'SLEEP', '1.5').catch(() => undefined);
    await node.journal.until('down');
    await stall;
    await node.journal.until('up', 2);
    await expect(arrives(node, node, 'c_a')).resolves.toBe('c_a: after');
  });

  it('takes no pause of its own process for one of the server', async () => {
    const node = await open();
    await node.follow('c_a');
    for (let pause = 0; pause < 3; pause++) {
      await setTimeout(Math.random() * 300);
      const end = performance.now() + 1_200;
      while (performance.now() < end);
      await node.backplane.probe();
    }
    await setTimeout(700);
    expect(node.journal.entries).toEqual(['up', 'followed c_a']);
  });

  it('connects to a server that comes later', async () => {
    await server.stop();
    const node = new RedisNode({ prefix, ...options(url) });
    const opened = node.backplane.open(node.journal);
    node.backplane.follow('c_a');
    await expect(opened).rejects.toThrow('ECONNREFUSED');
    expect(node.publish('c_a', 'x')).toBe('away');
    await server.start();
    await node.journal.until('followed c_a');
    expect(node.journal.entries).toEqual([expect.stringContaining('down: connect ECONNREFUSED'), 'up', 'followed c_a']);
  });

  it('shows no credentials, and heals when they are right', async () => {
    await askRedis(url, 'ACL', 'SETUSER', 'app', 'on', '>correct-horse', '~*', '&*', '+@all');
    const node = new RedisNode({ prefix, ...options(url.replace('//', '//app:Tr0ub4dor@')) });
    const failure = await node.backplane.open(node.journal).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toMatch(/WRONGPASS/);
    expect([String(failure), node.backplane.engine, ...node.journal.entries].join()).not.toContain('Tr0ub4dor');
    await askRedis(url, 'ACL', 'SETUSER', 'app', '>Tr0ub4dor');
    await node.journal.until('up');
  });

  it('is degraded while channels are refused, and complete once they are allowed', async () => {
    await askRedis(url, 'ACL', 'SETUSER', 'app', 'on', '>secret', `&${prefix}.~*`, '+@all');
    const node = await RedisNode.open({ prefix, ...options(url.replace('//', '//app:secret@')) });
    node.backplane.follow('c_a');
    expect(await node.journal.until('down')).toMatch(/down: NOPERM/);
    await askRedis(url, 'ACL', 'SETUSER', 'app', '&*');
    await node.journal.until('followed c_a');
    // The rights of a connection change with those of its user, which Redis ends for it: one interruption or two.
    expect(node.journal.entries.at(-2)).toBe('up');
    expect(node.publish('c_a', 'x')).toBe('yes');
  });

  it('goes on publishing when the memory of the server is used up', async () => {
    await askRedis(url, 'CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    const node = await open();
    await node.follow('c_a');
    await expect(arrives(node, node, 'c_a')).resolves.toBe('c_a: after');
  });

  it('is cut by a message above the output buffer, tells the gap, and goes on', async () => {
    await askRedis(url, 'CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 100kb 100kb 1');
    const node = await open();
    await node.follow('c_a');
    node.backplane.publish('c_a', new Uint8Array(1_000_000));
    await node.journal.until('down');
    await node.journal.until('up', 3);
    await expect(arrives(node, node, 'c_a')).resolves.toBe('c_a: after');
  });

  it('keeps idle connections from the timeout of the server', async () => {
    await askRedis(url, 'CONFIG', 'SET', 'timeout', '1');
    const node = await open();
    await node.follow('c_a');
    await setTimeout(3_500);
    expect(node.journal.entries).toEqual(['up', 'followed c_a']);
  });

  it('has two connections, also after many interruptions, and none once it is closed', async () => {
    const node = await open();
    for (let round = 0; round < 5; round++) {
      const since = node.journal.entries.length;
      await askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
      await node.journal.until('down', since);
      await node.journal.until('up', since);
      await node.backplane.probe();
      expect(await clientsOf(url)).toHaveLength(2);
    }
    await node.backplane.close();
    await expect(clientsOf(url)).resolves.toHaveLength(0);
  });

  it('follows thousands of subjects again', async () => {
    const node = await open();
    const subjects = Array.from({ length: 5_000 }, (_, index) => `c_${index}`);
    for (const subject of subjects) node.backplane.follow(subject);
    await node.journal.until('followed c_4999');
    const since = node.journal.entries.length;
    await askRedis(url, 'CLIENT', 'KILL', 'TYPE', 'pubsub');
    await node.journal.until('followed c_4999', since);
    expect(node.journal.entries.slice(since + 1)).toEqual(['up', ...subjects.map((subject) => `followed ${subject}`)]);
    await arrives(node, node, 'c_2500');
  });

  it('leaves nothing at the server of what it does not follow any more', async () => {
    const node = await open();
    await node.follow('c_a');
    await node.follow('c_b');
    node.backplane.unfollow('c_a');
    node.backplane.unfollow('c_b');
    await node.follow('c_c');
    await node.backplane.probe();
    const channels = (await askRedis(url, 'PUBSUB', 'CHANNELS')) as string[];
    expect(channels.filter((channel) => !channel.includes('.~'))).toEqual([`${prefix}.c_c`]);
    node.backplane.unfollow('c_c');
    await node.backplane.probe();
    await node.follow('c_a');
    await arrives(node, node, 'c_a');
  });
});
