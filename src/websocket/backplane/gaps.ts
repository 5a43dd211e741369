import type { HandOver } from './backplane.js';
import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { EnvelopeKind } from './envelope.js';
import { readHeard, readMarks, writeHeard, writeMarks, type HeardMark, type Mark } from './marks.js';
import { HeardNumbers, OwnNumbers } from './numbers.js';

/** The part of a group that gaps need. */
export interface Publishing {
  /** What this node has members of. */
  readonly followedSubjects: Iterable<string>;
  isFollowed(subject: string): boolean;
  publish(
    kind: EnvelopeKind,
    subjects: readonly string[],
    write: (writer: ByteWriter) => void,
    isCounted: boolean,
  ): HandOver;
  tell(node: string, kind: EnvelopeKind, write: (writer: ByteWriter) => void): HandOver;
}

/** Subjects in one envelope of marks. */
const MARKS_AT_ONCE = 1_000;

/** Subjects that are remembered because something for them was not handed over. */
const MAX_UNHANDED = 10_000;

/** A message may have been published so long before the interruption was noticed, in milliseconds. */
const SLACK_MS = 5_000;

/**
 * Finds out what was lost: by the numbers of each node and subject while messages come, and by asking the others for their
 * numbers after an interruption.
 */
export class Gaps {
  readonly #own = new OwnNumbers();
  readonly #heard = new HeardNumbers();
  /** Nodes that have to be asked what they published during the interruption. */
  readonly #toAsk = new Set<string>();
  readonly #unhanded = new Set<string>();
  #interruptedAt = Number.POSITIVE_INFINITY;

  constructor(
    private readonly group: Publishing,
    private readonly missed: (subject: string, node: string, missed: number | undefined) => void,
  ) {}

  /** Numbers one more envelope to a subject. */
  number(subject: string): number {
    return this.#own.next(subject);
  }

  /** An envelope arrived. */
  take(subject: string, node: string, number: number): void {
    const missed = this.#heard.take(subject, node, number);
    if (missed > 0) this.missed(subject, node, missed);
  }

  /** Something could not be handed over: its receivers are told, once the engine can be reached. */
  notHanded(subject: string, handed: HandOver): void {
    if (handed === 'too large') this.#mark(subject);
    else if (this.#unhanded.size < MAX_UNHANDED) this.#unhanded.add(subject);
  }

  interrupt(): void {
    this.#interruptedAt = Math.min(this.#interruptedAt, performance.now());
  }

  /** The engine is back, and everything is followed again. */
  recover(nodes: Iterable<string>): void {
    const unhanded = [...this.#unhanded];
    this.#unhanded.clear();
    for (const subject of unhanded) this.#mark(subject);
    if (this.#interruptedAt === Number.POSITIVE_INFINITY) return;
    for (const node of nodes) {
      this.#toAsk.add(node);
      this.askIfDue(node);
    }
  }

  /** Asks a node that may have published something unheard. One that does not answer is asked again when it says hello. */
  askIfDue(node: string): void {
    if (!this.#toAsk.has(node)) return;
    const heard: HeardMark[] = [];
    for (const subject of this.group.followedSubjects) {
      heard.push({ subject, number: this.#heard.last(subject, node) ?? 0 });
    }
    for (let first = 0; first === 0 || first < heard.length; first += MARKS_AT_ONCE) {
      const some = heard.slice(first, first + MARKS_AT_ONCE);
      this.group.tell(node, EnvelopeKind.askMarks, (to) => writeHeard(to, some));
    }
  }

  /** Another node asks what it has missed of this one. */
  answerMarks(reader: ByteReader, node: string): void {
    const marks: Mark[] = [];
    for (const { subject, number } of readHeard(reader)) {
      const last = this.#own.last(subject);
      if (last !== undefined && last.number !== number) marks.push({ subject, ...last });
    }
    this.group.tell(node, EnvelopeKind.marks, (to) => writeMarks(to, marks));
  }

  readMarks(reader: ByteReader, node: string): void {
    const outageMs = performance.now() - this.#interruptedAt + SLACK_MS;
    for (const { subject, number, ageMs } of readMarks(reader)) {
      if (!this.group.isFollowed(subject)) continue;
      const missed = this.#heard.catchUp(subject, node, number);
      // What was published before this node followed the subject was not for it.
      if (missed === undefined ? ageMs <= outageMs : missed > 0) this.missed(subject, node, missed);
    }
    this.#toAsk.delete(node);
    if (this.#toAsk.size === 0) this.#interruptedAt = Number.POSITIVE_INFINITY;
  }

  /** The subject has no members here any more. */
  forget(subject: string): void {
    this.#heard.forgetSubject(subject);
  }

  /** A node is gone. What it published during an interruption can never be known. */
  forgetNode(node: string): void {
    if (this.#toAsk.delete(node)) {
      for (const subject of this.#heard.subjectsOf(node)) {
        if (this.group.isFollowed(subject)) this.missed(subject, node, undefined);
      }
    }
    this.#heard.forgetNode(node);
  }

  #mark(subject: string): void {
    const last = this.#own.last(subject);
    if (last !== undefined) {
      this.group.publish(EnvelopeKind.marks, [subject], (to) => writeMarks(to, [{ subject, ...last }]), false);
    }
  }
}
