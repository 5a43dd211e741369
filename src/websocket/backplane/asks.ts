/** What other nodes said to a question. */
export interface Answers<Answer> {
  readonly answers: readonly Answer[];
  /** Ids of the nodes that answered, in the order of their answers. */
  readonly nodes: readonly string[];
  /** Ids of the nodes that did not. */
  readonly missing: readonly string[];
}

interface Ask {
  readonly waiting: Set<string>;
  readonly nodes: string[];
  readonly answers: unknown[];
  readonly settle: () => void;
  readonly read: (answer: unknown) => void;
}

/** Questions to other nodes that wait for answers. Each ends: by its last answer, by its time, or when its nodes are gone. */
export class Asks {
  readonly #open = new Map<number, Ask>();
  #last = 0;

  get size(): number {
    return this.#open.size;
  }

  /**
   * Opens a question. Never rejects.
   * @param ask hands the question with its number to the engine; what it cannot hand over has all nodes missing at once.
   */
  open<Answer>(nodes: Iterable<string>, timeoutMs: number, ask: (id: number) => boolean): Promise<Answers<Answer>> {
    const waiting = new Set(nodes);
    const id = ++this.#last;
    return new Promise((resolve) => {
      const answered: string[] = [];
      const answers: Answer[] = [];
      const settle = (): void => {
        clearTimeout(timer);
        this.#open.delete(id);
        resolve({ answers, nodes: answered, missing: [...waiting] });
      };
      const timer = setTimeout(settle, timeoutMs);
      this.#open.set(id, {
        waiting,
        nodes: answered,
        answers,
        settle,
        read: (answer) => answers.push(answer as Answer),
      });
      if (waiting.size === 0 || !ask(id)) settle();
    });
  }

  /** Takes an answer; late, doubled and unknown ones count for nothing. `isLast` is false for a part of a long answer. */
  take(id: number, node: string, answer: unknown, isLast: boolean): boolean {
    const ask = this.#open.get(id);
    if (ask?.waiting.has(node) !== true) return false;
    ask.read(answer);
    if (!isLast) return true;
    ask.waiting.delete(node);
    ask.nodes.push(node);
    if (ask.waiting.size === 0) ask.settle();
    return true;
  }

  /** A node is gone; what waits only for it ends at once, with it among the missing. */
  nodeIsGone(node: string): void {
    for (const ask of [...this.#open.values()]) {
      if (ask.waiting.has(node) && ask.waiting.size === 1) ask.settle();
    }
  }

  stop(): void {
    for (const ask of [...this.#open.values()]) ask.settle();
  }
}
