import { describeError } from '../errors/describe-error.js';
import { log } from '../log/log.js';
import { Asks, type Answers } from './asks.js';
import type { Backplane, BackplaneReceiver, HandOver } from './backplane.js';
import { ByteReader, type EnvelopeError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { beginEnvelope, EnvelopeKind, ForeignVersionError, readHead, writer, type EnvelopeHead } from './envelope.js';
import { Gaps } from './gaps.js';
import { Interest } from './interest.js';
import { NodeWatch, type BackplaneState } from './node-watch.js';
import { readHello, writeHello, type BackplaneNode } from './nodes.js';
import { ALL_NODES, subjectOf } from './subject.js';

/** What a group does for the connections of this process; the registry implements it. */
export interface GroupListener {
  /** How many there are. */
  readonly connections: number;
  /** A verb of another node. @throws EnvelopeError for what is damaged. */
  take(kind: EnvelopeKind, reader: ByteReader, node: string): void;
  /** Something that was published to a subject has not arrived; `missed` is unknown after an interruption. */
  missed(subject: string, node: string, missed: number | undefined): void;
  state(state: BackplaneState): void;
}

/** Time that the start of the application waits for the engine, in milliseconds. */
const BOOT_MS = 2_000;

/** Calls to several subjects that are remembered of each node, so that one that comes by two of them counts once. */
const REMEMBERED_CALLS = 256;

/** Reasons for dropped envelopes that are told, once each. */
const MAX_REASONS = 20;

/** This node among the others of its group: who is there, what is lost, and how a verb gets to those who have members for it. */
export class NodeGroup implements BackplaneReceiver {
  readonly asks = new Asks();
  readonly #watch: NodeWatch;
  readonly #gaps: Gaps;
  readonly #interest: Interest;
  readonly #calls = new Map<string, Set<number>>();
  readonly #toldOf = new Set<string>();
  readonly #openedAt = performance.now();
  #lastCall = 0;
  #isOpen = false;

  constructor(
    readonly backplane: Backplane,
    readonly id: string,
    readonly name: string,
    private readonly listener: GroupListener,
  ) {
    this.#watch = new NodeWatch(backplane, id, {
      hello: (isQuestion) => this.#sayHello(ALL_NODES, isQuestion),
      lost: (node) => this.#lost(node),
      state: (state, reason) => this.#tellState(state, reason),
    });
    this.#gaps = new Gaps(this, (subject, node, missed) => listener.missed(subject, node, missed));
    this.#interest = new Interest(backplane, (subject) => this.#gaps.forget(subject));
  }

  get state(): BackplaneState {
    return this.#watch.state;
  }

  /** This node is the first. */
  get nodes(): BackplaneNode[] {
    const since = new Date(Date.now() - this.#ageMs);
    const own = { id: this.id, name: this.name, since, connections: this.listener.connections };
    return [own, ...this.#watch.nodes.all()];
  }

  /** Another node is there, or may be: this one cannot hear it, or has not listened for long enough. */
  get mayHaveOthers(): boolean {
    if (!this.#isOpen) return false;
    const { nodes, state } = this.#watch;
    return nodes.size > 0 || state === 'degraded' || this.#ageMs < this.backplane.settings.nodeTimeoutMs;
  }

  get followedSubjects(): Iterable<string> {
    return this.#interest.subjects;
  }

  get #ageMs(): number {
    return Math.round(performance.now() - this.#openedAt);
  }

  /** Waits for the engine for a short time, then goes on without it. Never rejects. */
  async open(): Promise<void> {
    this.#isOpen = true;
    const { backplane } = this;
    const opened = backplane.open(this).then(
      () => true,
      (error: unknown) => describeError(error),
    );
    this.#interest.add(ALL_NODES);
    this.#interest.add(subjectOf('node', this.id));
    const reached = await before(opened, BOOT_MS);
    if (!this.#isOpen) return;
    const here = `${backplane.engine}, prefix ${backplane.settings.prefix}, node ${this.name} (${this.id})`;
    if (reached === true) log.info(`Backplane: ${here}.`);
    else {
      const why = reached ?? `no answer within ${BOOT_MS} ms`;
      log.error('backplane', `Backplane: ${here} starts without its engine (${why}). It goes on trying.`);
    }
    await before(this.#watch.start(), BOOT_MS);
  }

  /** Says goodbye and takes everything off. Never rejects. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watch.stop();
    this.asks.stop();
    this.#interest.stop();
    this.publish(EnvelopeKind.bye, [ALL_NODES], nothing, false);
    try {
      await this.backplane.close();
    } catch (error) {
      log.warn('backplane', `The backplane did not close cleanly: ${describeError(error)}`, error);
    }
  }

  follow(subject: string): void {
    this.#interest.add(subject);
  }

  unfollow(subject: string): void {
    this.#interest.remove(subject);
  }

  /** Tells whether a message to a subject would be missed here. */
  isFollowed(subject: string): boolean {
    return this.#interest.has(subject);
  }

  /**
   * Hands an envelope to the engine, for each subject. A node that follows several of them takes it once.
   * @param write its content; called once.
   * @param isCounted whether a hole in what is published there is to be noticed.
   */
  publish(
    kind: EnvelopeKind,
    subjects: readonly string[],
    write: (writer: ByteWriter) => void,
    isCounted = true,
  ): HandOver {
    const numberOf = (subject: string): number => (isCounted ? this.#gaps.number(subject) : 0);
    const [only] = subjects;
    if (only === undefined) return 'yes';
    if (subjects.length === 1) {
      const begun = beginEnvelope({ kind, node: this.id, number: numberOf(only), call: 0 }, writer);
      write(begun);
      return this.#hand(only, begun.finish());
    }
    const call = ++this.#lastCall;
    write(writer);
    const body = writer.finish();
    let result: HandOver = 'yes';
    for (const subject of subjects) {
      const head = beginEnvelope({ kind, node: this.id, number: numberOf(subject), call }, writer);
      const handed = this.#hand(subject, head.fixed(body).finish());
      if (handed !== 'yes') result = handed;
    }
    return result;
  }

  /** Publishes to one node; nothing of it is counted. */
  tell(node: string, kind: EnvelopeKind, write: (writer: ByteWriter) => void): HandOver {
    return this.publish(kind, [subjectOf('node', node)], write, false);
  }

  /**
   * Asks all other nodes. Never rejects.
   * @param write the question behind its number, which is written already.
   */
  ask<Answer>(kind: EnvelopeKind, write: (writer: ByteWriter) => void): Promise<Answers<Answer>> {
    const { timeoutMs } = this.backplane.settings;
    return this.asks.open<Answer>(this.#watch.nodes.ids(), timeoutMs, (id) => {
      const question = (to: ByteWriter): void => {
        to.count(id);
        write(to);
      };
      // One that is lost is seen by who asked.
      return this.publish(kind, [ALL_NODES], question, false) === 'yes';
    });
  }

  receive(subject: string, envelope: Uint8Array): void {
    try {
      const reader = new ByteReader(Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength));
      const head = readHead(reader);
      if (head.node === this.id) return;
      this.#watch.nodes.heard(head.node, performance.now());
      if (head.number > 0) this.#gaps.take(subject, head.node, head.number);
      if (head.call === 0 || this.#isFirst(head)) this.#read(head, reader);
    } catch (error) {
      this.#refuse(error);
    }
  }

  followed(): void {}

  engine(isReachable: boolean, reason = 'the engine cannot be reached'): void {
    if (!this.#isOpen || !this.#watch.engine(isReachable, reason)) return;
    if (isReachable) this.#gaps.recover(this.#watch.nodes.ids());
    else this.#gaps.interrupt();
  }

  #read({ kind, node }: EnvelopeHead, reader: ByteReader): void {
    switch (kind) {
      case EnvelopeKind.hello: {
        const hello = readHello(reader);
        if (hello.isQuestion) this.#sayHello(subjectOf('node', node), false);
        this.#watch.greet(node, hello);
        this.#gaps.askIfDue(node);
        break;
      }
      case EnvelopeKind.bye:
        this.#watch.lose(node);
        break;
      case EnvelopeKind.marks:
        this.#gaps.readMarks(reader, node);
        break;
      case EnvelopeKind.askMarks:
        this.#gaps.answerMarks(reader, node);
        break;
      default:
        this.listener.take(kind, reader, node);
    }
  }

  #isFirst({ node, call }: EnvelopeHead): boolean {
    let calls = this.#calls.get(node);
    if (calls === undefined) this.#calls.set(node, (calls = new Set()));
    if (calls.has(call)) return false;
    calls.add(call);
    if (calls.size > REMEMBERED_CALLS) {
      const oldest = calls.values().next();
      if (oldest.done !== true) calls.delete(oldest.value);
    }
    return true;
  }

  #hand(subject: string, envelope: Uint8Array): HandOver {
    const handed = this.backplane.publish(subject, envelope);
    if (handed !== 'yes') this.#gaps.notHanded(subject, handed);
    return handed;
  }

  /** A node sends nonsense, or is of another version: said once for each reason, and never thrown. */
  #refuse(error: unknown): void {
    const { message } = error as EnvelopeError;
    if (this.#toldOf.has(message) || this.#toldOf.size >= MAX_REASONS) return;
    this.#toldOf.add(message);
    log.warn(
      'backplane',
      error instanceof ForeignVersionError
        ? `A node of the group uses version ${error.version} of the envelope and is not understood here. Is a new release being rolled out?`
        : `An envelope of the backplane was dropped, because it ${message}. This is said once for each reason.`,
      error,
    );
  }

  #sayHello(subject: string, isQuestion: boolean): void {
    const hears = [...this.#watch.nodes.ids()];
    const hello = { name: this.name, ageMs: this.#ageMs, connections: this.listener.connections, hears, isQuestion };
    this.publish(EnvelopeKind.hello, [subject], (to) => writeHello(to, hello), false);
  }

  #lost(node: string): void {
    this.#calls.delete(node);
    this.#gaps.forgetNode(node);
    this.asks.nodeIsGone(node);
  }

  #tellState(state: BackplaneState, reason: string): void {
    if (state === 'degraded') {
      const why = reason === '' ? '' : `: ${reason}`;
      log.warn('backplane', `The backplane is degraded${why}. This process goes on; other nodes may not be reached.`);
    } else if (this.#ageMs > BOOT_MS) log.info('The backplane is connected.');
    this.listener.state(state);
  }
}

function nothing(): void {}

/** Waits for a promise that does not reject, for a limited time; `undefined` when it is over. */
async function before<Result>(promise: Promise<Result>, limitMs: number): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, limitMs, undefined);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
