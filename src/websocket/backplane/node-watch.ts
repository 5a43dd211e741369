import type { Backplane } from './backplane.js';
import { Nodes, type Hello } from './nodes.js';

/**
 * `connected`: what this node publishes comes back to it, and every node that it hears says that it hears this one. `degraded`:
 * other nodes may not be reached; everything in this process goes on.
 */
export type BackplaneState = 'connected' | 'degraded';

/** What the watch tells of. */
export interface WatchEvents {
  /** It is time to say hello to all nodes; as a question where this node knows no other. */
  hello(isQuestion: boolean): void;
  lost(node: string): void;
  /** The state has changed; for `degraded` with the reason. */
  state(state: BackplaneState, reason: string): void;
}

/** A node speaks so often within `nodeTimeoutMs`. */
const HELLOS = 3;

/** Which other nodes are there, and whether they can be reached: by what they say, and by a proof of the way to the engine. */
export class NodeWatch {
  readonly nodes: Nodes;
  #state: BackplaneState = 'degraded';
  #isReachable = false;
  #isProven = false;
  #isProving = false;
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;
  #tickedAt = performance.now();

  constructor(
    private readonly backplane: Backplane,
    own: string,
    private readonly events: WatchEvents,
  ) {
    this.nodes = new Nodes(own);
  }

  get state(): BackplaneState {
    return this.#state;
  }

  /** Settles when the first proof of the way came, or did not. */
  start(): Promise<void> {
    this.#isRunning = true;
    this.#timer = setInterval(() => this.#tick(), this.backplane.settings.nodeTimeoutMs / HELLOS).unref();
    return this.#speak();
  }

  stop(): void {
    this.#isRunning = false;
    clearInterval(this.#timer);
  }

  /** The engine can be reached, or not any more; `false` where that was known. */
  engine(isReachable: boolean, reason: string): boolean {
    if (isReachable === this.#isReachable) return false;
    this.#isReachable = isReachable;
    if (isReachable && this.#isRunning) void this.#speak();
    this.#check(reason);
    return true;
  }

  /** A node says hello; `true` when it is new. */
  greet(node: string, hello: Hello): boolean {
    const isNew = this.nodes.greet(node, hello, performance.now());
    this.#check('a node does not hear this one');
    return isNew;
  }

  /** A node stops, or has been silent for too long. */
  lose(node: string): void {
    if (!this.nodes.remove(node)) return;
    this.events.lost(node);
    this.#check('');
  }

  #tick(): void {
    const now = performance.now();
    const { nodeTimeoutMs } = this.backplane.settings;
    const sinceTickMs = now - this.#tickedAt;
    this.#tickedAt = now;
    // What came while the event loop was blocked has not been read yet.
    if (sinceTickMs < nodeTimeoutMs / 2) for (const id of this.nodes.silentSince(now - nodeTimeoutMs)) this.lose(id);
    void this.#speak();
  }

  async #speak(): Promise<void> {
    if (this.#isReachable) this.events.hello(this.nodes.size === 0);
    if (this.#isProving) return;
    this.#isProving = true;
    try {
      await this.backplane.probe();
      this.#isProven = true;
    } catch {
      this.#isProven = false;
    }
    this.#isProving = false;
    this.#check('its own messages do not come back');
  }

  #check(reason: string): void {
    if (!this.#isRunning) return;
    const state = this.#isReachable && this.#isProven && this.nodes.hearUs ? 'connected' : 'degraded';
    if (state === this.#state) return;
    this.#state = state;
    this.events.state(state, reason);
  }
}
