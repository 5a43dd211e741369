import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Backplane, BackplaneOptions } from '../backplane/backplane.js';

/** One promise of a backplane; it fails by a rejection. */
export interface ContractCase {
  readonly name: string;
  run(): Promise<void>;
}

/** Makes one more node of a group; the options are to be passed on. */
export type MakeBackplane = (options: BackplaneOptions) => Backplane | Promise<Backplane>;

/** Time that an envelope or a confirmation may take, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Names that engines could take for something else. */
const SUBJECTS = ['a', 'c_cmVk', 'n_-_', 'Z9', 'x'.repeat(200)];

/**
 * What every backplane has to do, for the tests of an implementation. It needs a running engine, and no test runner of its own.
 *
 * @example
 * ```ts
 * describe('RedisBackplane', () => {
 *   for (const { name, run } of backplaneContract((options) => new RedisBackplane({ ...options, url }))) it(name, run);
 * });
 * ```
 */
export function backplaneContract(make: MakeBackplane): readonly ContractCase[] {
  const group = (): Group => new Group(make);
  const withNodes =
    (count: number, play: (...nodes: Node[]) => Promise<void>): (() => Promise<void>) =>
    async () => {
      const nodes = group();
      try {
        await play(...(await nodes.open(count)));
      } finally {
        await nodes.close();
      }
    };

  return [
    {
      name: 'carries bytes as they are',
      run: withNodes(2, async (one, other) => {
        await other.follow('c_bytes');
        const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
        equal(one.backplane.publish('c_bytes', bytes), 'yes');
        deepEqual(await other.next('c_bytes'), [...bytes]);
        equal(one.backplane.publish('c_bytes', new Uint8Array(0)), 'yes');
        deepEqual(await other.next('c_bytes'), []);
      }),
    },
    {
      name: 'tells subjects apart, by each character',
      run: withNodes(2, async (one, other) => {
        for (const subject of SUBJECTS) await other.follow(subject);
        SUBJECTS.forEach((subject, index) => one.backplane.publish(subject, Uint8Array.of(index)));
        one.backplane.publish('c_cmvk', Uint8Array.of(99));
        for (const [index, subject] of SUBJECTS.entries()) deepEqual(await other.next(subject), [index]);
        equal(other.waiting, 0);
      }),
    },
    {
      name: 'brings what one node publishes in order, each once',
      run: withNodes(3, async (one, second, third) => {
        await second.follow('c_order');
        await third.follow('c_order');
        const numbers = Array.from({ length: 500 }, (_, index) => index);
        for (const number of numbers) one.backplane.publish('c_order', Uint8Array.of(number >> 8, number & 255));
        for (const node of [second, third])
          for (const number of numbers) deepEqual(await node.next('c_order'), [number >> 8, number & 255]);
      }),
    },
    {
      name: 'keeps the order over several subjects of one node',
      run: withNodes(2, async (one, other) => {
        await other.follow('c_a');
        await other.follow('c_b');
        for (let number = 0; number < 200; number++)
          one.backplane.publish(number % 2 === 0 ? 'c_a' : 'c_b', Uint8Array.of(number));
        const got: number[] = [];
        while (got.length < 200) got.push(...(await other.any()));
        const ofEach = (odd: number): number[] => got.filter((number) => number % 2 === odd);
        deepEqual(
          ofEach(0),
          ofEach(0).toSorted((first, second) => first - second),
        );
        deepEqual(
          ofEach(1),
          ofEach(1).toSorted((first, second) => first - second),
        );
      }),
    },
    {
      name: 'confirms a subject before it promises anything: what is published after that arrives',
      run: withNodes(2, async (one, other) => {
        for (let round = 0; round < 20; round++) {
          await other.follow(`c_${round}`);
          one.backplane.publish(`c_${round}`, Uint8Array.of(round));
          deepEqual(await other.next(`c_${round}`), [round]);
        }
      }),
    },
    {
      name: 'stops after unfollow, and follows again',
      run: withNodes(2, async (one, other) => {
        await other.follow('c_on');
        await other.follow('c_stays');
        other.backplane.unfollow('c_on');
        await other.backplane.probe();
        one.backplane.publish('c_on', Uint8Array.of(1));
        one.backplane.publish('c_stays', Uint8Array.of(2));
        deepEqual(await other.next('c_stays'), [2]);
        equal(other.waiting, 0);
        await other.follow('c_on');
        one.backplane.publish('c_on', Uint8Array.of(3));
        deepEqual(await other.next('c_on'), [3]);
      }),
    },
    {
      name: 'follows in the end what was last asked for',
      run: withNodes(2, async (one, other) => {
        for (let turn = 0; turn < 50; turn++) {
          other.backplane.follow('c_flips');
          other.backplane.unfollow('c_flips');
        }
        await other.follow('c_flips');
        one.backplane.publish('c_flips', Uint8Array.of(1));
        deepEqual(await other.next('c_flips'), [1]);
      }),
    },
    {
      name: 'keeps groups with other prefixes apart',
      run: async () => {
        const groups = [group(), group()] as const;
        try {
          const [[one], [other]] = [await groups[0].open(1), await groups[1].open(2)] as unknown as [Node[], Node[]];
          const [sibling] = [groups[1].nodes[1]];
          await (other as Node).follow('c_same');
          (one as Node).backplane.publish('c_same', Uint8Array.of(1));
          (sibling as Node).backplane.publish('c_same', Uint8Array.of(2));
          deepEqual(await (other as Node).next('c_same'), [2]);
        } finally {
          await Promise.all(groups.map((each) => each.close()));
        }
      },
    },
    {
      name: 'refuses what is too large for the engine, and carries the largest that it names',
      run: withNodes(2, async (one, other) => {
        await other.follow('c_large');
        const { maxEnvelopeBytes } = one.backplane;
        equal(one.backplane.publish('c_large', new Uint8Array(maxEnvelopeBytes + 1)), 'too large');
        const largest = new Uint8Array(Math.min(maxEnvelopeBytes, 1_000_000)).fill(7);
        equal(one.backplane.publish('c_large', largest), 'yes');
        equal((await other.next('c_large')).length, largest.length);
      }),
    },
    {
      name: 'answers a probe',
      run: withNodes(1, async (one) => {
        await one.backplane.probe();
        equal(one.isReachable, true);
      }),
    },
    {
      name: 'is away before it is open and after it is closed, without a throw',
      run: async () => {
        const backplane = await make({ prefix: randomPrefix() });
        equal(backplane.publish('c_x', Uint8Array.of(1)), 'away');
        backplane.unfollow('c_x');
        const node = new Node(backplane);
        await backplane.open(node);
        await Promise.all([backplane.close(), backplane.close()]);
        equal(backplane.publish('c_x', Uint8Array.of(1)), 'away');
        backplane.follow('c_x');
        backplane.unfollow('c_x');
        await rejects(backplane.probe());
      },
    },
    {
      name: 'hands over what was published a moment before it closes',
      run: withNodes(2, async (one, other) => {
        await other.follow('c_last');
        for (let number = 0; number < 100; number++) one.backplane.publish('c_last', Uint8Array.of(number));
        await one.backplane.close();
        for (let number = 0; number < 100; number++) deepEqual(await other.next('c_last'), [number]);
      }),
    },
  ];
}

/** A group of nodes with a prefix of its own. */
class Group {
  readonly nodes: Node[] = [];
  readonly #prefix = randomPrefix();

  constructor(private readonly make: MakeBackplane) {}

  async open(count: number): Promise<Node[]> {
    while (this.nodes.length < count) {
      const node = new Node(await this.make({ prefix: this.#prefix, node: `node ${this.nodes.length}` }));
      this.nodes.push(node);
      await node.backplane.open(node);
    }
    return this.nodes;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ backplane }) => backplane.close()));
  }
}

/** One node, and what has arrived at it. */
class Node {
  isReachable = false;
  readonly #arrived: [subject: string, bytes: number[]][] = [];
  readonly #confirmed = new Map<string, number>();
  readonly #listeners = new Set<() => void>();

  constructor(readonly backplane: Backplane) {}

  receive(subject: string, envelope: Uint8Array): void {
    this.#arrived.push([subject, [...envelope]]);
    this.#tell();
  }

  followed(subject: string): void {
    this.#confirmed.set(subject, (this.#confirmed.get(subject) ?? 0) + 1);
    this.#tell();
  }

  engine(isReachable: boolean): void {
    this.isReachable = isReachable;
    this.#tell();
  }

  get waiting(): number {
    return this.#arrived.length;
  }

  async follow(subject: string): Promise<void> {
    const before = this.#confirmed.get(subject) ?? 0;
    this.backplane.follow(subject);
    await this.#until(() => (this.#confirmed.get(subject) ?? 0) > before, `${subject} is followed`);
  }

  async next(subject: string): Promise<number[]> {
    let bytes: number[] | undefined;
    await this.#until(() => {
      const index = this.#arrived.findIndex(([arrivedAt]) => arrivedAt === subject);
      if (index === -1) return false;
      bytes = this.#arrived.splice(index, 1)[0]?.[1];
      return true;
    }, `something arrives at ${subject}`);
    ok(bytes);
    return bytes;
  }

  async any(): Promise<number[]> {
    await this.#until(() => this.#arrived.length > 0, 'something arrives');
    return this.#arrived.shift()?.[1] ?? [];
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    const timer = setTimeout(() => this.#tell(), PATIENCE_MS);
    try {
      while (!isSo()) {
        if (performance.now() >= end) throw new Error(`Not within ${PATIENCE_MS} ms: ${what}.`);
        await new Promise<void>((resolve) => this.#listeners.add(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener();
  }
}

function randomPrefix(): string {
  return `contract-${randomBytes(6).toString('hex')}`;
}
