/** How an engine is asked. Its promises settle with the reply of the engine, or reject when it refuses or the connection ends. */
export interface SubscriptionEngine {
  subscribe(subjects: readonly string[]): Promise<unknown>;
  unsubscribe(subjects: readonly string[]): Promise<unknown>;
}

/** What the state of subjects brings about. */
export interface SubscriptionListener {
  /** The engine has confirmed the subject, which is wanted. */
  confirmed(subject: string): void;
  /** The engine refuses subjects, such as for want of rights. They are asked for again later. */
  refused(subjects: readonly string[], reason: unknown): void;
  /** After a refusal: everything that is wanted is confirmed. */
  complete(): void;
}

/** What the engine was asked last, and whether it has answered. */
type Asked = 'nothing' | 'subscribing' | 'subscribed' | 'unsubscribing';

interface Entry {
  isWanted: boolean;
  /** Whether `confirmed` was called since the subject was last wanted. */
  isTold: boolean;
  asked: Asked;
}

/** Subjects in one command: an engine, and what it answers, are not to be held up by one of several megabytes. */
const MAX_BATCH = 500;

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;

/**
 * Follows in the end what was last asked for, in any order of calls and replies. At most one command for each subject is on its way;
 * its reply is compared with what is wanted by then. What one turn of the event loop asks for goes to the engine together.
 *
 * Begins disconnected: nothing is asked for before `connected()`.
 */
export class Subscriptions {
  readonly #entries = new Map<string, Entry>();
  readonly #engine: SubscriptionEngine;
  readonly #listener: SubscriptionListener;
  #isConnected = false;
  #isQuiet = true;
  /** Counts connections. Invariant: a reply that belongs to an earlier one changes nothing. */
  #connection = 0;
  #changed = new Set<string>();
  #flush: NodeJS.Immediate | undefined;
  readonly #refused = new Set<string>();
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;

  constructor(engine: SubscriptionEngine, listener: SubscriptionListener) {
    this.#engine = engine;
    this.#listener = listener;
  }

  /** Whether what arrives at a subject is wanted. */
  wants(subject: string): boolean {
    return this.#entries.get(subject)?.isWanted === true;
  }

  /** Whether some wanted subject is refused by the engine at the moment. */
  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Every subject that is wanted. */
  get subjects(): string[] {
    return [...this.#entries].filter(([, { isWanted }]) => isWanted).map(([subject]) => subject);
  }

  follow(subject: string): void {
    const entry = this.#entries.get(subject);
    if (entry === undefined) this.#entries.set(subject, { isWanted: true, isTold: false, asked: 'nothing' });
    else if (entry.isWanted) return;
    else {
      entry.isWanted = true;
      entry.isTold = false;
    }
    this.#change(subject);
  }

  unfollow(subject: string): void {
    const entry = this.#entries.get(subject);
    if (entry?.isWanted !== true) return;
    entry.isWanted = false;
    this.#accept(subject);
    this.#change(subject);
  }

  /**
   * A connection is there: asks for everything that is wanted. Tells none of it before `announce()`.
   *
   * @returns a promise of whether the connection is still the same once the engine has answered all of it. What it refused was told to
   * `refused`.
   */
  async connected(): Promise<boolean> {
    const connection = ++this.#connection;
    this.#isConnected = true;
    await Promise.all(batchesOf(this.subjects).map((batch) => this.#subscribe(batch)));
    return connection === this.#connection;
  }

  /** Tells `confirmed` of every subject that is, also of those that were told before; from now on of each as it gets there. */
  announce(): void {
    this.#isQuiet = false;
    for (const [subject, entry] of this.#entries) {
      if (!entry.isWanted || entry.asked !== 'subscribed') continue;
      entry.isTold = false;
      this.#tell(subject, entry);
    }
  }

  /** Tells `confirmed` of no subject until `announce()`. */
  hush(): void {
    this.#isQuiet = true;
  }

  /** The connection is gone, and every subscription with it. */
  disconnected(): void {
    this.#connection += 1;
    this.#isConnected = false;
    this.#isQuiet = true;
    this.#refused.clear();
    this.#stopRetrying();
    for (const [subject, entry] of this.#entries) {
      entry.asked = 'nothing';
      entry.isTold = false;
      if (!entry.isWanted) this.#entries.delete(subject);
    }
  }

  /** The engine has ended these subscriptions by itself: they are asked for again. */
  lost(subjects: Iterable<string>): void {
    for (const subject of subjects) {
      const entry = this.#entries.get(subject);
      if (entry?.asked !== 'subscribed') continue;
      entry.asked = 'nothing';
      entry.isTold = false;
      this.#change(subject);
    }
  }

  /** Forgets everything, and asks for nothing any more. */
  close(): void {
    this.disconnected();
    clearImmediate(this.#flush);
    this.#flush = undefined;
    this.#entries.clear();
    this.#changed.clear();
  }

  #change(subject: string): void {
    this.#changed.add(subject);
    this.#flush ??= setImmediate(() => this.#ask());
  }

  #ask(): void {
    this.#flush = undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    const wanted: string[] = [];
    const unwanted: string[] = [];
    for (const subject of changed) {
      const entry = this.#entries.get(subject);
      if (entry === undefined) continue;
      if (entry.isWanted) {
        if (entry.asked === 'nothing') wanted.push(subject);
        else if (entry.asked === 'subscribed') this.#tell(subject, entry);
      } else if (entry.asked === 'nothing') this.#entries.delete(subject);
      else if (entry.asked === 'subscribed') unwanted.push(subject);
    }
    if (!this.#isConnected) return;
    for (const batch of batchesOf(wanted)) void this.#subscribe(batch);
    for (const batch of batchesOf(unwanted)) void this.#unsubscribe(batch);
  }

  /** Never rejects. */
  async #subscribe(subjects: readonly string[]): Promise<void> {
    const connection = this.#connection;
    for (const subject of subjects) this.#set(subject, 'subscribing');
    try {
      await this.#engine.subscribe(subjects);
    } catch (reason) {
      if (connection === this.#connection) this.#refuse(subjects, reason);
      return;
    }
    if (connection !== this.#connection) return;
    for (const subject of subjects) {
      const entry = this.#set(subject, 'subscribed');
      this.#accept(subject);
      if (entry?.isWanted === false) this.#change(subject);
      else if (entry !== undefined) this.#tell(subject, entry);
    }
  }

  /** Never rejects. */
  async #unsubscribe(subjects: readonly string[]): Promise<void> {
    const connection = this.#connection;
    for (const subject of subjects) this.#set(subject, 'unsubscribing');
    try {
      await this.#engine.unsubscribe(subjects);
    } catch {
      // What the engine goes on sending is dropped on arrival. A later `follow` asks anew, which no engine minds.
    }
    if (connection !== this.#connection) return;
    for (const subject of subjects) {
      this.#set(subject, 'nothing');
      this.#change(subject);
    }
  }

  #set(subject: string, asked: Asked): Entry | undefined {
    const entry = this.#entries.get(subject);
    if (entry !== undefined) entry.asked = asked;
    return entry;
  }

  #tell(subject: string, entry: Entry): void {
    if (entry.isTold || this.#isQuiet) return;
    entry.isTold = true;
    this.#listener.confirmed(subject);
  }

  #refuse(subjects: readonly string[], reason: unknown): void {
    for (const subject of subjects) {
      const entry = this.#set(subject, 'nothing');
      if (entry?.isWanted === true) this.#refused.add(subject);
      else this.#entries.delete(subject);
    }
    const refused = subjects.filter((subject) => this.#refused.has(subject));
    if (refused.length === 0) return;
    this.#retry ??= setTimeout(() => this.#askAgain(), this.#retryMs).unref();
    this.#listener.refused(refused, reason);
  }

  #accept(subject: string): void {
    if (!this.#refused.delete(subject) || this.#refused.size > 0) return;
    this.#stopRetrying();
    this.#listener.complete();
  }

  #askAgain(): void {
    this.#retry = undefined;
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
    for (const subject of this.#refused) this.#change(subject);
  }

  #stopRetrying(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#retryMs = FIRST_RETRY_MS;
  }
}

function batchesOf(subjects: readonly string[]): string[][] {
  const batches: string[][] = [];
  for (let start = 0; start < subjects.length; start += MAX_BATCH)
    batches.push(subjects.slice(start, start + MAX_BATCH));
  return batches;
}
