import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Subscriptions } from '../../src/websocket/backplane/subscriptions.js';

const SUBJECTS = ['a', 'b', 'c'] as const;

type Step =
  | { do: 'follow' | 'unfollow' | 'lose'; subject: (typeof SUBJECTS)[number] }
  | { do: 'turn' | 'reply' | 'refuse' | 'reconnect' | 'disconnect' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('follow', 'unfollow', 'lose'), subject: fc.constantFrom(...SUBJECTS) }),
  fc.record({ do: fc.constantFrom('turn', 'turn', 'reply', 'reply', 'refuse', 'reconnect', 'disconnect') }),
);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a server has, which takes commands in their order and answers when the test says so. */
class ModelEngine {
  followed = new Set<string>();
  readonly #commands: { run(): void; settle(isRefused: boolean): void }[] = [];

  subscribe(subjects: readonly string[]): Promise<void> {
    return this.#take(() => subjects.forEach((subject) => this.followed.add(subject)));
  }

  unsubscribe(subjects: readonly string[]): Promise<void> {
    return this.#take(() => subjects.forEach((subject) => this.followed.delete(subject)));
  }

  answer(isRefused: boolean): void {
    const command = this.#commands.shift();
    if (!isRefused) command?.run();
    command?.settle(isRefused);
  }

  get isBusy(): boolean {
    return this.#commands.length > 0;
  }

  cut(): void {
    for (const { settle } of this.#commands.splice(0)) settle(true);
    this.followed = new Set();
  }

  #take(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#commands.push({ run, settle: (isRefused) => (isRefused ? reject(new Error('no')) : resolve()) });
    });
  }
}

describe('subscriptions', () => {
  it('end with exactly what was last asked for, and confirm only what the engine has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const engine = new ModelEngine();
        const wanted = new Set<string>();
        const faults: string[] = [];
        let confirmed = new Set<string>();
        const subscriptions = new Subscriptions(engine, {
          confirmed: (subject) => {
            if (!engine.followed.has(subject)) faults.push(`${subject} is not followed`);
            if (!wanted.has(subject)) faults.push(`${subject} is not wanted`);
            confirmed.add(subject);
          },
          refused: () => undefined,
          complete: () => undefined,
        });
        const connect = (): void => {
          engine.cut();
          subscriptions.disconnected();
          confirmed = new Set();
          void subscriptions.connected().then((isSame) => isSame && subscriptions.announce());
        };
        const play = async (next: Step): Promise<void> => {
          switch (next.do) {
            case 'follow':
              wanted.add(next.subject);
              return subscriptions.follow(next.subject);
            case 'unfollow':
              wanted.delete(next.subject);
              confirmed.delete(next.subject);
              return subscriptions.unfollow(next.subject);
            case 'lose':
              if (engine.followed.delete(next.subject)) subscriptions.lost([next.subject]);
              return;
            case 'turn':
              return turn();
            case 'reply':
            case 'refuse':
              return engine.answer(next.do === 'refuse');
            case 'reconnect':
              return connect();
            case 'disconnect':
              engine.cut();
              return subscriptions.disconnected();
          }
        };
        for (const next of steps) await play(next);
        connect();
        for (let quiet = 0; quiet < 3; quiet = engine.isBusy ? 0 : quiet + 1) {
          engine.answer(false);
          await turn();
        }
        subscriptions.close();
        expect(faults).toEqual([]);
        expect([...engine.followed].toSorted()).toEqual([...wanted].toSorted());
        expect([...confirmed].toSorted()).toEqual([...wanted].toSorted());
      }),
      { numRuns: 300 },
    );
  });
});
