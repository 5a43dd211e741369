import { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** What a node says of itself. */
export interface Hello {
  readonly name: string;
  /** Time since it started, in milliseconds: clocks of nodes are never compared. */
  readonly ageMs: number;
  readonly connections: number;
  /** Ids of the nodes that it hears. */
  readonly hears: readonly string[];
  /** It wants to hear of the others at once. */
  readonly isQuestion: boolean;
}

/** A node of the group, as this one knows it. */
export interface BackplaneNode {
  /** Changes with each start of the application. */
  readonly id: string;
  /** The option `node`: not always unique. */
  readonly name: string;
  /** When it started, by the clock of this process. */
  readonly since: Date;
  /** Connections that it had when it was last heard. */
  readonly connections: number;
}

interface Known {
  readonly node: BackplaneNode;
  /** When it was last heard, by the monotonic clock, in milliseconds. */
  heardAt: number;
  /** How often it has said hello. */
  hellos: number;
  hearsUs: boolean;
}

export function writeHello(writer: ByteWriter, { name, ageMs, connections, hears, isQuestion }: Hello): void {
  writer
    .text(name)
    .count(ageMs)
    .count(connections)
    .texts(hears)
    .byte(isQuestion ? 1 : 0);
}

/** @throws EnvelopeError */
export function readHello(reader: ByteReader): Hello {
  return {
    name: reader.text(),
    ageMs: reader.count(),
    connections: reader.count(),
    hears: reader.texts(),
    isQuestion: reader.byte() === 1,
  };
}

/** The other nodes that are there. */
export class Nodes {
  readonly #known = new Map<string, Known>();

  constructor(private readonly own: string) {}

  get size(): number {
    return this.#known.size;
  }

  ids(): Iterable<string> {
    return this.#known.keys();
  }

  all(): BackplaneNode[] {
    return [...this.#known.values()].map(({ node }) => node);
  }

  has(id: string): boolean {
    return this.#known.has(id);
  }

  /** Takes what a node says of itself; `true` when it is new. */
  greet(id: string, { name, ageMs, connections, hears }: Hello, now: number): boolean {
    const known = this.#known.get(id);
    const since = known?.node.since ?? new Date(Date.now() - ageMs);
    this.#known.set(id, {
      node: { id, name, since, connections },
      heardAt: now,
      hellos: (known?.hellos ?? 0) + 1,
      hearsUs: hears.includes(this.own),
    });
    return known === undefined;
  }

  /** Any envelope of a node is a sign of life. */
  heard(id: string, now: number): void {
    const known = this.#known.get(id);
    if (known !== undefined) known.heardAt = now;
  }

  /** Every node that had the time to say that it hears this one says so. */
  get hearUs(): boolean {
    for (const { hellos, hearsUs } of this.#known.values()) if (hellos > 2 && !hearsUs) return false;
    return true;
  }

  remove(id: string): boolean {
    return this.#known.delete(id);
  }

  /** Ids of the nodes that were silent since `then`. */
  silentSince(then: number): string[] {
    return [...this.#known].filter(([, { heardAt }]) => heardAt < then).map(([id]) => id);
  }
}
