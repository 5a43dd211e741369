/** Subjects whose numbers a publisher keeps. The one that was not used for longest begins at 1 again. */
const MAX_SUBJECTS = 100_000;

interface Published {
  number: number;
  /** By the monotonic clock, in milliseconds. */
  at: number;
}

/** Numbers what this node publishes, for each subject. */
export class OwnNumbers {
  readonly #last = new Map<string, Published>();

  next(subject: string): number {
    const last = this.#last.get(subject);
    const number = (last?.number ?? 0) + 1;
    if (last !== undefined) this.#last.delete(subject);
    else if (this.#last.size >= MAX_SUBJECTS) this.#forgetOldest();
    this.#last.set(subject, { number, at: performance.now() });
    return number;
  }

  /** What was published last to a subject, and how many milliseconds ago. */
  last(subject: string): { readonly number: number; readonly ageMs: number } | undefined {
    const last = this.#last.get(subject);
    return last === undefined ? undefined : { number: last.number, ageMs: Math.ceil(performance.now() - last.at) };
  }

  #forgetOldest(): void {
    const oldest = this.#last.keys().next();
    if (oldest.done !== true) this.#last.delete(oldest.value);
  }
}

/** What was heard of other nodes, by subject. A hole in the numbers of one node means that something was lost. */
export class HeardNumbers {
  readonly #bySubject = new Map<string, Map<string, number>>();

  /** Takes a number that arrived; gives how many before it are missing. */
  take(subject: string, node: string, number: number): number {
    let ofSubject = this.#bySubject.get(subject);
    if (ofSubject === undefined) this.#bySubject.set(subject, (ofSubject = new Map<string, number>()));
    const last = ofSubject.get(node);
    ofSubject.set(node, number);
    // The first one that is heard says nothing of those before; a smaller one is from a publisher that began anew.
    return last === undefined || number <= last ? 0 : number - last - 1;
  }

  /** Takes what was published last, as its publisher says; gives how many up to it are missing, `undefined` if it was never heard. */
  catchUp(subject: string, node: string, number: number): number | undefined {
    const last = this.last(subject, node);
    if (last !== undefined && last >= number) return 0;
    this.take(subject, node, number);
    return last === undefined ? undefined : number - last;
  }

  last(subject: string, node: string): number | undefined {
    return this.#bySubject.get(subject)?.get(node);
  }

  /** The subjects on which a node was heard. */
  *subjectsOf(node: string): Iterable<string> {
    for (const [subject, ofSubject] of this.#bySubject) if (ofSubject.has(node)) yield subject;
  }

  forgetSubject(subject: string): void {
    this.#bySubject.delete(subject);
  }

  forgetNode(node: string): void {
    for (const ofSubject of this.#bySubject.values()) ofSubject.delete(node);
  }
}
