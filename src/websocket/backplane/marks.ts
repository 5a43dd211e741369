import type { ByteReader } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';

/** What a node has published to a subject so far. */
export interface Mark {
  readonly subject: string;
  readonly number: number;
  /** Time since the last of it, in milliseconds. */
  readonly ageMs: number;
}

/** What a node has heard on a subject from the one that it asks; 0 for nothing yet. */
export interface HeardMark {
  readonly subject: string;
  readonly number: number;
}

export function writeMarks(writer: ByteWriter, marks: readonly Mark[]): void {
  writer.count(marks.length);
  for (const { subject, number, ageMs } of marks) writer.text(subject).count(number).count(ageMs);
}

/** @throws EnvelopeError */
export function readMarks(reader: ByteReader): Mark[] {
  return reader.list(() => ({ subject: reader.text(), number: reader.count(), ageMs: reader.count() }));
}

export function writeHeard(writer: ByteWriter, marks: readonly HeardMark[]): void {
  writer.count(marks.length);
  for (const { subject, number } of marks) writer.text(subject).count(number);
}

/** @throws EnvelopeError */
export function readHeard(reader: ByteReader): HeardMark[] {
  return reader.list(() => ({ subject: reader.text(), number: reader.count() }));
}
