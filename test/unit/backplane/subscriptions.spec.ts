import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Subscriptions } from '../../../src/websocket/backplane/subscriptions.js';

/** An engine whose replies the test gives, in any order. */
class ManualEngine {
  readonly asked: string[] = [];
  readonly #replies: { resolve: () => void; reject: (reason: Error) => void }[] = [];

  subscribe(subjects: readonly string[]): Promise<void> {
    return this.#ask('+', subjects);
  }

  unsubscribe(subjects: readonly string[]): Promise<void> {
    return this.#ask('-', subjects);
  }

  async reply(reason?: Error): Promise<void> {
    const oldest = this.#replies.shift();
    if (oldest === undefined) throw new Error('The engine was not asked.');
    if (reason === undefined) oldest.resolve();
    else oldest.reject(reason);
    // The first turn takes the reply, the second asks for what it brought about.
    await turn();
    await turn();
  }

  #ask(sign: string, subjects: readonly string[]): Promise<void> {
    this.asked.push(`${sign}${subjects.join(',')}`);
    return new Promise((resolve, reject) => this.#replies.push({ resolve, reject }));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Subscriptions', () => {
  let engine: ManualEngine;
  let told: string[];
  let subscriptions: Subscriptions;

  beforeEach(() => {
    engine = new ManualEngine();
    told = [];
    subscriptions = new Subscriptions(engine, {
      confirmed: (subject) => told.push(subject),
      refused: (subjects, reason) => told.push(`refused ${subjects.join(',')}: ${(reason as Error).message}`),
      complete: () => told.push('complete'),
    });
  });

  afterEach(() => subscriptions.close());

  const connect = async (): Promise<void> => {
    expect(await subscriptions.connected()).toBe(true);
    subscriptions.announce();
  };

  it('asks for what one turn wants in one command, and tells each', async () => {
    await connect();
    subscriptions.follow('a');
    subscriptions.follow('b');
    subscriptions.follow('a');
    await turn();
    expect(engine.asked).toEqual(['+a,b']);
    expect(told).toEqual([]);
    await engine.reply();
    expect(told).toEqual(['a', 'b']);
  });

  it('asks for nothing that changed back within a turn, and confirms it anew', async () => {
    await connect();
    subscriptions.follow('a');
    subscriptions.unfollow('a');
    await turn();
    expect(engine.asked).toEqual([]);
    subscriptions.follow('a');
    await turn();
    await engine.reply();
    subscriptions.unfollow('a');
    subscriptions.follow('a');
    await turn();
    expect(engine.asked).toEqual(['+a']);
    expect(told).toEqual(['a', 'a']);
  });

  it('waits for the reply before it asks for the opposite', async () => {
    await connect();
    subscriptions.follow('a');
    await turn();
    subscriptions.unfollow('a');
    await turn();
    expect(engine.asked).toEqual(['+a']);
    await engine.reply();
    expect(told).toEqual([]);
    expect(engine.asked).toEqual(['+a', '-a']);
    subscriptions.follow('a');
    await turn();
    expect(engine.asked).toEqual(['+a', '-a']);
    await engine.reply();
    expect(engine.asked).toEqual(['+a', '-a', '+a']);
    await engine.reply();
    expect(told).toEqual(['a']);
  });

  it('wants a subject at once, and not at once', () => {
    subscriptions.follow('a');
    expect(subscriptions.wants('a')).toBe(true);
    subscriptions.unfollow('a');
    expect(subscriptions.wants('a')).toBe(false);
    expect(subscriptions.wants('b')).toBe(false);
  });

  it('asks for everything again after a new connection, and tells it when it is announced', async () => {
    subscriptions.follow('a');
    await turn();
    expect(engine.asked).toEqual([]);
    const first = subscriptions.connected();
    subscriptions.follow('b');
    await turn();
    await engine.reply();
    expect(await first).toBe(true);
    await engine.reply();
    expect(told).toEqual([]);
    subscriptions.announce();
    expect(told).toEqual(['a', 'b']);
    subscriptions.disconnected();
    subscriptions.unfollow('b');
    const second = subscriptions.connected();
    expect(engine.asked).toEqual(['+a', '+b', '+a']);
    await engine.reply();
    expect(await second).toBe(true);
    subscriptions.announce();
    expect(told).toEqual(['a', 'b', 'a']);
  });

  it('does not take the reply of an earlier connection for that of the new one', async () => {
    subscriptions.follow('a');
    const first = subscriptions.connected();
    subscriptions.disconnected();
    const second = subscriptions.connected();
    await engine.reply();
    expect(await first).toBe(false);
    subscriptions.announce();
    expect(told).toEqual([]);
    await engine.reply();
    expect(await second).toBe(true);
    expect(told).toEqual(['a']);
  });

  it('asks again for what the engine ended by itself', async () => {
    await connect();
    subscriptions.follow('a');
    await turn();
    await engine.reply();
    subscriptions.lost(['a', 'unknown']);
    await turn();
    await engine.reply();
    expect(engine.asked).toEqual(['+a', '+a']);
    expect(told).toEqual(['a', 'a']);
  });

  it('asks for more than one command holds in several', async () => {
    for (let number = 0; number < 1_200; number++) subscriptions.follow(`s${number}`);
    void subscriptions.connected();
    expect(engine.asked.map((command) => command.split(',').length)).toEqual([500, 500, 200]);
  });

  describe('with an engine that refuses', () => {
    beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'clearImmediate'] }));
    afterEach(() => void jest.useRealTimers());

    it('asks again, in growing intervals, until everything is confirmed', async () => {
      await connect();
      subscriptions.follow('a');
      await turn();
      await engine.reply(new Error('NOPERM'));
      expect(told).toEqual(['refused a: NOPERM']);
      expect(subscriptions.hasRefused).toBe(true);
      jest.advanceTimersByTime(250);
      await turn();
      await engine.reply(new Error('NOPERM'));
      jest.advanceTimersByTime(499);
      await turn();
      expect(engine.asked).toEqual(['+a', '+a']);
      jest.advanceTimersByTime(1);
      await turn();
      await engine.reply();
      expect(told.slice(2)).toEqual(['complete', 'a']);
      expect(subscriptions.hasRefused).toBe(false);
    });

    it('is complete when what was refused is not wanted any more', async () => {
      await connect();
      subscriptions.follow('a');
      await turn();
      await engine.reply(new Error('NOPERM'));
      subscriptions.unfollow('a');
      expect(told).toEqual(['refused a: NOPERM', 'complete']);
      jest.advanceTimersByTime(60_000);
      await turn();
      expect(engine.asked).toEqual(['+a']);
      expect(jest.getTimerCount()).toBe(0);
    });
  });
});
