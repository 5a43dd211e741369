import { randomBytes } from 'node:crypto';
import { isMoved, wordsOf, type RedisConnection, type RedisConnector } from './redis-connection.js';
import { slotOf, within, type RedisTopology } from './redis-topology.js';

/** What a session tells. None of its methods throws. */
export interface RedisSessionListener {
  receive(subject: string, envelope: Uint8Array): void;
  /** The server has taken as many bytes that were published, or has refused them. */
  taken(bytes: number): void;
  /** The session is over: a connection was lost, is silent, or leads to the wrong server by now. Called at most once. */
  over(reason: string): void;
}

/** The two connections to one master. */
interface Shard {
  publisher: RedisConnection;
  subscriber: RedisConnection;
  /** Channel on which this node hears itself by way of this master. */
  readonly probeChannel: string;
  /** Weights of what was published and not answered: replies come in their order. */
  readonly weights: Weights;
  /** Rounds of the probe that were sent, and the last one that came back. */
  sent: number;
  heard: number;
  /** Messages that have arrived, and how many it were when the oldest open round was sent. */
  arrived: number;
  arrivedBefore: number;
}

/** What a session is made of. */
export interface RedisSessionParts {
  readonly connector: RedisConnector;
  readonly topology: RedisTopology;
  readonly prefix: string;
  /** How often the way there and back is tried, in milliseconds. A server that is silent for as long ends the session. */
  readonly probeMs: number;
  readonly listener: RedisSessionListener;
}

/**
 * The connections to an engine from the moment that all of them are there until the first of them is lost. Everything that could
 * survive a part of it would be a guess about what got through, so all of it ends together.
 */
export class RedisSession {
  readonly #parts: RedisSessionParts;
  readonly #prefixLength: number;
  readonly #shards: Shard[];
  readonly #isSharded: boolean;
  /** Where each subject is subscribed. */
  readonly #homes = new Map<string, Shard>();
  readonly #waiting = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;
  #isOver = false;

  constructor(parts: RedisSessionParts) {
    this.#parts = parts;
    this.#prefixLength = parts.prefix.length + 1;
    this.#isSharded = parts.topology.isSharded;
    const channels = this.#probeChannels();
    this.#shards = parts.topology.masters.map((_, index) => this.#shard(index, channels[index] ?? ''));
  }

  /** Connects everything. @throws the first failure, after which the session is to be destroyed. */
  async open(signal: AbortSignal): Promise<void> {
    const connections = this.#shards.flatMap(({ publisher, subscriber }) => [publisher, subscriber]);
    await within(signal, Promise.all(connections.map((connection) => connection.connect())));
    await within(
      signal,
      Promise.all(this.#shards.map(({ subscriber, probeChannel }) => subscriber.subscribe([probeChannel]))),
    );
    this.#schedule();
  }

  /** Hands an envelope to the server of its subject. Returns false where there is none at the moment. */
  publish(subject: string, envelope: Uint8Array, weight: number): boolean {
    const channel = `${this.#parts.prefix}.${subject}`;
    const shard = this.#shardOf(channel);
    if (shard === undefined || this.#isOver) return false;
    shard.weights.add(weight);
    shard.publisher.publish(channel, envelope).then(shard.weights.onTaken, shard.weights.onRefused);
    return true;
  }

  async subscribe(subjects: readonly string[]): Promise<void> {
    await this.#group(subjects, (shard, channels, ofShard) => {
      for (const subject of ofShard) this.#homes.set(subject, shard);
      return shard.subscriber.subscribe(channels);
    });
  }

  async unsubscribe(subjects: readonly string[]): Promise<void> {
    await this.#group(subjects, (shard, channels, ofShard) => {
      for (const subject of ofShard) this.#homes.delete(subject);
      return shard.subscriber.unsubscribe(channels);
    });
  }

  /** Resolves when a message of its own came back by way of each master; does not settle when the session ends. */
  probe(): Promise<void> {
    const targets = this.#shards.map((shard) => this.#sendProbe(shard));
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.#shards.every(({ heard }, index) => heard >= (targets[index] ?? 0))) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Ends all connections at once. Tells nothing. */
  destroy(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#waiting.clear();
    for (const { publisher, subscriber } of this.#shards) {
      publisher.destroy();
      subscriber.destroy();
    }
  }

  #shard(index: number, probeChannel: string): Shard {
    const { connector, topology, listener } = this.#parts;
    const address = topology.masters[index];
    const common = {
      moved: () => this.#end('The cluster has moved slots.'),
      lost: (reason: unknown) => this.#end(wordsOf(reason)),
    };
    const terms = { isSharded: this.#isSharded };
    const shard: Shard = {
      publisher: connector.connection(
        { ...terms, role: 'publisher', listener: { ...common, message: () => undefined } },
        address,
      ),
      subscriber: connector.connection(
        {
          ...terms,
          role: 'subscriber',
          listener: { ...common, message: (channel, payload) => this.#receive(shard, channel, payload) },
        },
        address,
      ),
      probeChannel,
      weights: new Weights(
        (weight) => listener.taken(weight),
        (reason) => this.#onRefused(reason),
      ),
      sent: 0,
      heard: 0,
      arrived: 0,
      arrivedBefore: 0,
    };
    return shard;
  }

  /** A name for each master that leads to it. No subject has a tilde. */
  #probeChannels(): string[] {
    const { prefix, topology } = this.#parts;
    const token = randomBytes(9).toString('base64url');
    const channels: string[] = [];
    // Every master has slots, so each is found; the bound is for one that lost its last ones meanwhile.
    for (let number = 0, found = 0; found < topology.masters.length && number < 100_000; number++) {
      const channel = `${prefix}.~${token}${number}`;
      const index = this.#isSharded ? topology.masterOf(slotOf(channel)) : 0;
      if (index === undefined || channels[index] !== undefined) continue;
      channels[index] = channel;
      found += 1;
    }
    return channels;
  }

  #shardOf(channel: string): Shard | undefined {
    if (this.#shards.length === 1) return this.#shards[0];
    const index = this.#parts.topology.masterOf(slotOf(channel));
    return index === undefined ? undefined : this.#shards[index];
  }

  #receive(shard: Shard, channel: Buffer, payload: Uint8Array): void {
    shard.arrived += 1;
    const subject = channel.toString('latin1', this.#prefixLength);
    if (!subject.startsWith('~')) {
      this.#parts.listener.receive(subject, payload);
      return;
    }
    shard.heard = Math.max(shard.heard, Number(Buffer.from(payload).toString('latin1')) || 0);
    for (const look of [...this.#waiting]) look();
  }

  /** Sends subjects to their masters; channels of one command have one slot where they are sharded. */
  async #group(
    subjects: readonly string[],
    send: (shard: Shard, channels: string[], subjects: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    if (this.#isOver) throw new Error('The session is over.');
    const groups = new Map<number, string[]>();
    for (const subject of subjects) {
      const slot = this.#isSharded ? slotOf(`${this.#parts.prefix}.${subject}`) : 0;
      const group = groups.get(slot);
      if (group === undefined) groups.set(slot, [subject]);
      else group.push(subject);
    }
    const replies = [...groups].map(([slot, ofSlot]) => {
      const channels = ofSlot.map((subject) => `${this.#parts.prefix}.${subject}`);
      const index = this.#parts.topology.masterOf(slot);
      const shard = index === undefined ? undefined : this.#shards[index];
      return shard === undefined ? Promise.reject(new Error('A slot has no master.')) : send(shard, channels, ofSlot);
    });
    try {
      await Promise.all(replies);
    } catch (reason) {
      if (isMoved(reason)) this.#end(wordsOf(reason));
      throw reason;
    }
  }

  #onRefused(reason: unknown): void {
    if (isMoved(reason)) this.#end(wordsOf(reason));
  }

  #sendProbe(shard: Shard): number {
    if (shard.sent === shard.heard) shard.arrivedBefore = shard.arrived;
    const round = ++shard.sent;
    shard.publisher
      .publish(shard.probeChannel, Buffer.from(String(round)))
      .catch((reason: unknown) => this.#end(wordsOf(reason)));
    return round;
  }

  #schedule(): void {
    this.#dueAt = performance.now() + this.#parts.probeMs;
    this.#timer = setTimeout(() => this.#look(), this.#parts.probeMs).unref();
  }

  #look(): void {
    // After a pause of this process the replies may wait in the socket: they are read before the engine is judged.
    const isLate = performance.now() - this.#dueAt > this.#parts.probeMs / 2;
    for (const shard of this.#shards) {
      if (shard.sent === shard.heard) this.#sendProbe(shard);
      else if (!isLate && shard.arrived === shard.arrivedBefore) {
        this.#end(`No answer for ${this.#parts.probeMs} ms.`);
        return;
      } else shard.arrivedBefore = shard.arrived;
    }
    this.#schedule();
  }

  #end(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.listener.over(reason);
  }
}

/** First in, first out; the two callbacks are made once, so that a publish makes none. */
class Weights {
  readonly #weights: number[] = [];
  #first = 0;
  readonly onTaken: () => void;
  readonly onRefused: (reason: unknown) => void;

  constructor(taken: (weight: number) => void, refused: (reason: unknown) => void) {
    this.onTaken = () => taken(this.#shift());
    this.onRefused = (reason) => {
      taken(this.#shift());
      refused(reason);
    };
  }

  add(weight: number): void {
    this.#weights.push(weight);
  }

  #shift(): number {
    const weight = this.#weights[this.#first++] ?? 0;
    if (this.#first === this.#weights.length) {
      this.#weights.length = 0;
      this.#first = 0;
    } else if (this.#first === 1_024) {
      this.#weights.splice(0, 1_024);
      this.#first = 0;
    }
    return weight;
  }
}
