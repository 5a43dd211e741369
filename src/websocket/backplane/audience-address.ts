import type { ByteReader } from './byte-reader.js';
import { EnvelopeError } from './byte-reader.js';
import type { ByteWriter } from './byte-writer.js';
import { isConnectionId, nodeOf } from './node-id.js';
import { ALL_NODES, subjectOf } from './subject.js';

/** Tells the endpoints of one application apart, on every node alike: the decorator's path, host and subprotocols. */
export interface EndpointKey {
  readonly path: string;
  /** Absent: all endpoints on the path are meant. */
  readonly host?: string;
  readonly protocols?: string;
}

/** Where an audience begins, as a description that every node understands. */
export type BaseAddress =
  | { readonly kind: 'everybody' }
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'user'; readonly id: string }
  | { readonly kind: 'endpoint'; readonly key: EndpointKey };

/** An audience as nodes tell each other of it; each applies it to its own connections. */
export interface AudienceAddress {
  readonly base: BaseAddress;
  readonly onlys: readonly (readonly string[])[];
  readonly excepts: readonly string[];
}

const KINDS = ['everybody', 'names', 'user', 'endpoint'] as const;

export function writeAddress(writer: ByteWriter, { base, onlys, excepts }: AudienceAddress): void {
  writer.byte(KINDS.indexOf(base.kind));
  if (base.kind === 'names') writer.texts(base.names);
  else if (base.kind === 'user') writer.text(base.id);
  else if (base.kind === 'endpoint') {
    const { path, host, protocols } = base.key;
    writer
      .text(path)
      .texts(host === undefined ? [] : [host])
      .texts(protocols === undefined ? [] : [protocols]);
  }
  writer.count(onlys.length);
  for (const names of onlys) writer.texts(names);
  writer.texts(excepts);
}

/** @throws EnvelopeError */
export function readAddress(reader: ByteReader): AudienceAddress {
  const base = readBase(reader);
  return { base, onlys: reader.list(() => reader.texts()), excepts: reader.texts() };
}

function readBase(reader: ByteReader): BaseAddress {
  const kind = KINDS[reader.byte()];
  switch (kind) {
    case 'everybody':
      return { kind };
    case 'names':
      return { kind, names: reader.texts() };
    case 'user':
      return { kind, id: reader.text() };
    case 'endpoint':
      return { kind, key: readKey(reader) };
    default:
      throw new EnvelopeError('names an audience of an unknown kind');
  }
}

function readKey(reader: ByteReader): EndpointKey {
  const path = reader.text();
  const [host] = reader.texts();
  const [protocols] = reader.texts();
  return { path, ...(host !== undefined && { host }), ...(protocols !== undefined && { protocols }) };
}

/**
 * The subjects that bring an audience to the nodes which have members of it, and to no other. A connection is reached by its
 * node. Empty for an audience that has members on no other node.
 */
export function subjectsOf(base: BaseAddress, ownNode: string): readonly string[] {
  switch (base.kind) {
    case 'everybody':
      return [ALL_NODES];
    case 'user':
      return [subjectOf('user', base.id)];
    case 'endpoint':
      return [subjectOf('endpoint', base.key.path)];
    case 'names': {
      const [only] = base.names;
      if (base.names.length === 1 && only !== undefined) return subjectsOfName(only, ownNode);
      return [...new Set(base.names.flatMap((name) => subjectsOfName(name, ownNode)))];
    }
  }
}

function subjectsOfName(name: string, ownNode: string): readonly string[] {
  if (!isConnectionId(name)) return [subjectOf('channel', name)];
  const node = nodeOf(name);
  return node === ownNode ? [] : [subjectOf('node', node)];
}
