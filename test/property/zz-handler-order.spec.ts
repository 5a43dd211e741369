import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Connection, OnMessage, WsEndpoint, type Unregister } from '../../src/index.js';
import { startApp } from '../support/start-app.js';
import { take } from '../support/take.js';

/** What a handler does while a message is handled, if its number falls on `by`. */
interface Act {
  readonly by: number;
  readonly act: 'add' | 'remove' | 'remove itself' | 'add two';
  readonly target: number;
}

const GROUPS = 3;
const MOST_HANDLERS = 24;

const act: fc.Arbitrary<Act> = fc.record({
  by: fc.nat({ max: GROUPS - 1 }),
  act: fc.constantFrom('add', 'remove', 'remove itself', 'add two'),
  target: fc.nat({ max: MOST_HANDLERS }),
});
/** For each message what is done during it, and which handlers are asynchronous. */
const story = fc.record({
  initial: fc.integer({ min: 1, max: 4 }),
  messages: fc.array(fc.array(act, { maxLength: 4 }), { minLength: 1, maxLength: 5 }),
  asynchronous: fc.nat({ max: 3 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

/** Something handlers are added to; each is known by its number. */
interface Host {
  add(handler: number): void;
  remove(handler: number): void;
}

/** The handlers that acts of one message concern, carried out on a host. */
class Player {
  next = 0;

  constructor(
    private readonly told: Story,
    private readonly host: Host,
  ) {}

  begin(): void {
    while (this.next < this.told.initial) this.#add();
  }

  /** A handler runs: it does what the story says. */
  run(handler: number, message: number): void {
    for (const { by, act: what, target } of this.told.messages[message] ?? []) {
      if (by !== handler % GROUPS) continue;
      if (what === 'add') this.#add();
      else if (what === 'add two') this.#add(2);
      else this.host.remove(what === 'remove' ? target % this.next : handler);
    }
  }

  #add(count = 1): void {
    const most = Math.min(this.next + count, MOST_HANDLERS);
    while (this.next < most) this.host.add(this.next++);
  }
}

/** What has to happen, by the rule: registration order, over a snapshot, unregistering is idempotent. */
function predict(told: Story): string[] {
  let handlers: number[] = [];
  const player = new Player(told, {
    add: (handler) => (handlers = [...handlers, handler]),
    remove: (handler) => (handlers = handlers.filter((one) => one !== handler)),
  });
  player.begin();
  const trace: string[] = [];
  for (const message of told.messages.keys()) {
    for (const handler of handlers) {
      trace.push(`${message}:${handler}`);
      player.run(handler, message);
    }
    trace.push(`${message}:endpoint`);
  }
  return trace;
}

describe('the message handlers of a connection', () => {
  it('run as the rule says, whatever they add and remove while they run', async () => {
    const trace: string[] = [];
    @WsEndpoint('room')
    class Room {
      @OnMessage()
      say(message: string): string {
        trace.push(`${message}:endpoint`);
        return message;
      }
    }
    const app = await startApp({ endpoints: [Room] });

    const play = async (told: Story): Promise<string[]> => {
      trace.length = 0;
      const client = await app.connect('/ws/room');
      const connection = [...app.registry].at(-1) as Connection;
      const registered: Unregister[] = [];
      const player = new Player(told, {
        add: (handler) => {
          registered[handler] = connection.on('message', async (_connection, message, unregister) => {
            if (told.asynchronous > 0 && handler % told.asynchronous === 0) await Promise.resolve();
            trace.push(`${String(message)}:${handler}`);
            registered[handler] = unregister;
            player.run(handler, Number(message));
          });
        },
        remove: (handler) => registered[handler]?.(),
      });
      player.begin();
      for (const message of told.messages.keys()) void client.send(`${message}`);
      await take(client, told.messages.length);
      await client.terminate();
      return [...trace];
    };

    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        expect(await play(told)).toEqual(predict(told));
      }),
      { numRuns: 1500 },
    );
  });
});
