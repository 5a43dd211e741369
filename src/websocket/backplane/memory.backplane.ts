import { shareClass } from '../copies/shared-class.js';
import { Backplane, type BackplaneOptions, type BackplaneReceiver, type HandOver } from './backplane.js';
import { readBackplaneOptions } from './backplane-options.js';

/** The members of each group, by prefix. */
const groups = new Map<string, Set<MemoryBackplane>>();

/** Bytes of an envelope are bounded, so that an application meets the limit of engines in its tests. */
const MAX_ENVELOPE_BYTES = 1_048_576;

/**
 * Joins several applications of one process, for tests and for trying out. Applications with the same `prefix` are one group.
 * Envelopes arrive in a later turn of the event loop, as over any engine.
 *
 * @example
 * ```ts
 * PlackWebSocketModule.forRoot({ backplane: new MemoryBackplane({ prefix: 'chat' }) })
 * ```
 */
export class MemoryBackplane extends Backplane {
  override readonly engine = 'memory';
  override readonly maxEnvelopeBytes = MAX_ENVELOPE_BYTES;
  readonly #followed = new Set<string>();
  #receiver: BackplaneReceiver | undefined;
  /** Envelopes on their way to this node. */
  #arriving: [subject: string, envelope: Uint8Array][] = [];
  #fresh: string[] = [];
  #isScheduled = false;

  /** @throws ConfigurationError for an option that is unknown or of the wrong kind. */
  constructor(options: BackplaneOptions = {}) {
    super(readBackplaneOptions(options, 'MemoryBackplane'));
  }

  override open(receiver: BackplaneReceiver): Promise<void> {
    this.#receiver = receiver;
    const { prefix } = this.settings;
    const group = groups.get(prefix) ?? new Set();
    groups.set(prefix, group.add(this));
    receiver.engine(true);
    return Promise.resolve();
  }

  override publish(subject: string, envelope: Uint8Array): HandOver {
    if (this.#receiver === undefined) return 'away';
    if (envelope.length > this.maxEnvelopeBytes) return 'too large';
    for (const other of groups.get(this.settings.prefix) ?? []) if (other !== this) other.#take(subject, envelope);
    return 'yes';
  }

  override follow(subject: string): void {
    if (this.#receiver === undefined || this.#followed.has(subject)) return;
    this.#followed.add(subject);
    this.#fresh.push(subject);
    this.#schedule();
  }

  override unfollow(subject: string): void {
    this.#followed.delete(subject);
  }

  override probe(): Promise<void> {
    return this.#receiver === undefined ? Promise.reject(new Error('closed')) : Promise.resolve();
  }

  override close(): Promise<void> {
    const group = groups.get(this.settings.prefix);
    group?.delete(this);
    if (group?.size === 0) groups.delete(this.settings.prefix);
    this.#receiver = undefined;
    this.#followed.clear();
    return Promise.resolve();
  }

  #take(subject: string, envelope: Uint8Array): void {
    if (!this.#followed.has(subject)) return;
    this.#arriving.push([subject, envelope]);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#arrive());
  }

  #arrive(): void {
    this.#isScheduled = false;
    const arriving = this.#arriving;
    const fresh = this.#fresh;
    this.#arriving = [];
    this.#fresh = [];
    for (const subject of fresh) if (this.#followed.has(subject)) this.#receiver?.followed(subject);
    for (const [subject, envelope] of arriving) {
      if (this.#followed.has(subject)) this.#receiver?.receive(subject, envelope);
    }
  }
}

shareClass(MemoryBackplane, 'MemoryBackplane');
