/** Fewer are not worth a turn of their own. */
const MIN_SLICE = 64;

/** Visits between two looks at the clock. */
const BETWEEN_LOOKS = 16;

/**
 * Visits each member of a growing and shrinking set once, slice by slice. The iterator of a `Map` or a `Set` follows its
 * changes: who comes during a round is visited in it, who leaves is not.
 */
export class Round<Member> {
  #walk: Iterator<Member> | undefined;
  #slice = MIN_SLICE;

  constructor(private readonly visit: (member: Member) => void) {}

  get isOver(): boolean {
    return this.#walk === undefined;
  }

  /** @param slice members of one turn. */
  begin(members: Iterable<Member>, slice: number): void {
    this.#walk = members[Symbol.iterator]();
    this.#slice = Math.max(MIN_SLICE, slice);
  }

  /** Visits one slice, or less where the time is over. */
  goOn(untilMs: number): void {
    for (let visited = 1; visited <= this.#slice; visited++) {
      const step = this.#walk?.next();
      if (step === undefined || step.done === true) {
        this.#walk = undefined;
        return;
      }
      this.visit(step.value);
      if (visited % BETWEEN_LOOKS === 0 && performance.now() >= untilMs) return;
    }
  }
}
