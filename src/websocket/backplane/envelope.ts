import { ByteReader, EnvelopeError } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';

/** Nodes of another version are skipped; they say the same of us. */
const ENVELOPE_VERSION = 1;

/** What an envelope is about. The numbers are part of the format. */
export const EnvelopeKind = {
  /** A node is there, and tells which others it hears. */
  hello: 1,
  /** A node stops. */
  bye: 2,
  send: 3,
  close: 4,
  join: 5,
  leave: 6,
  /** Asks for the number of connections. */
  count: 7,
  /** Asks for the connections. */
  list: 8,
  /** Answers one of the verbs that are answered. */
  answer: 9,
  /** Who is tracked in a channel, or not any more. */
  presence: 10,
  /** What a node has published to some subjects. */
  marks: 11,
  /** Asks for such marks. */
  askMarks: 12,
} as const;

export type EnvelopeKind = (typeof EnvelopeKind)[keyof typeof EnvelopeKind];

const KINDS: ReadonlySet<number> = new Set(Object.values(EnvelopeKind));

/** Length of a node's id, in characters of one byte. */
const NODE_LENGTH = 8;

/** The beginning of every envelope. */
export interface EnvelopeHead {
  readonly kind: EnvelopeKind;
  /** The node that published it. */
  readonly node: string;
  /** Numbers what this node published to this subject, from 1 on; 0 for what is not counted. */
  readonly number: number;
  /** Numbers the calls of this node. What is published to several subjects has one number of call. */
  readonly call: number;
}

/** Begins an envelope; the caller writes the rest and calls `finish`. */
export function beginEnvelope({ kind, node, number, call }: EnvelopeHead, writer: ByteWriter): ByteWriter {
  return writer.byte(ENVELOPE_VERSION).byte(kind).fixed(Buffer.from(node, 'latin1')).count(number).count(call);
}

/** An envelope of another version, of which no more can be said than who sent it. */
export class ForeignVersionError extends EnvelopeError {
  constructor(readonly version: number) {
    super(`has version ${version}`);
  }
}

/**
 * Reads the beginning of an envelope.
 * @throws EnvelopeError for what is damaged, ForeignVersionError for another version.
 */
export function readHead(reader: ByteReader): EnvelopeHead {
  const version = reader.byte();
  if (version !== ENVELOPE_VERSION) throw new ForeignVersionError(version);
  const kind = reader.byte();
  if (!isKind(kind)) throw new EnvelopeError('is of an unknown kind');
  const node = reader.fixed(NODE_LENGTH).toString('latin1');
  return { kind, node, number: reader.count(), call: reader.count() };
}

/** Shared by all envelopes of the process: an envelope is written in one go. */
export const writer = new ByteWriter();

function isKind(value: number): value is EnvelopeKind {
  return KINDS.has(value);
}
