import { readAddress, writeAddress, type AudienceAddress } from '../backplane/audience-address.js';
import type { Answers } from '../backplane/asks.js';
import type { ByteReader } from '../backplane/byte-reader.js';
import { EnvelopeError } from '../backplane/byte-reader.js';
import type { ByteWriter } from '../backplane/byte-writer.js';
import { EnvelopeKind } from '../backplane/envelope.js';
import type { NodeGroup } from '../backplane/node-group.js';
import type { Counted, Listed, ListedConnection, Reached } from '../connection/audience.js';
import type { ClosingDecision } from '../connection/closing-decision.js';
import type { Relayed } from '../connection/delivery.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { SharedMessage } from '../connection/transport.js';
import { isSendableCloseCode } from '../protocol/close-code.js';
import type { Serializer } from '../serializer/serializer.js';
import type { Encoded, FanOut } from './fan-out.js';
import { describeMember } from './listed-connection.js';
import { readListed, writeListed } from './listed-envelope.js';
import { closeAll, joinAll, leaveAll } from './local-verbs.js';
import type { OtherNodes } from './reach.js';
import type { SerializerNames } from './serializer-names.js';

/** Connections in one part of a list. */
const LISTED_AT_ONCE = 200;

/** Bytes are the same for every serializer. */
const BYTES = '';

/** Who is meant in this process by an audience of another node. */
export type Select = (address: AudienceAddress) => readonly ServedConnection[];

/** Carries the verbs of audiences to other nodes, and carries out here what those say. */
export class Relay implements OtherNodes {
  constructor(
    private readonly group: NodeGroup,
    private readonly select: Select,
    private readonly fanOut: FanOut,
    private readonly names: SerializerNames,
  ) {}

  /** Hands a message to the nodes that follow these subjects. Never throws. */
  send(subjects: readonly string[], address: AudienceAddress, encoded: ReadonlyMap<Serializer, Encoded>): Relayed {
    return this.group.publish(EnvelopeKind.send, subjects, (to) => {
      writeAddress(to, address);
      this.#writeForms(to, encoded);
    });
  }

  close(address: AudienceAddress, { code, reason }: ClosingDecision): Promise<Reached> {
    return this.#do(EnvelopeKind.close, address, (to) => to.count(code).text(reason));
  }

  join(address: AudienceAddress, channels: readonly string[]): Promise<Reached> {
    return this.#do(EnvelopeKind.join, address, (to) => to.texts(channels));
  }

  leave(address: AudienceAddress, channels: readonly string[]): Promise<Reached> {
    return this.#do(EnvelopeKind.leave, address, (to) => to.texts(channels));
  }

  async count(address: AudienceAddress): Promise<Counted> {
    const { group } = this;
    const { answers, ...reached } = await group.ask<number>(EnvelopeKind.count, (to) => writeAddress(to, address));
    return { ...withSelf(group, reached), total: answers.reduce((total, number) => total + number, 0) };
  }

  async list(address: AudienceAddress): Promise<Listed> {
    const { group } = this;
    const { answers, ...reached } = await group.ask<readonly ListedConnection[]>(EnvelopeKind.list, (to) =>
      writeAddress(to, address),
    );
    return { ...withSelf(group, reached), connections: answers.flat() };
  }

  take(kind: EnvelopeKind, reader: ByteReader, node: string): void {
    if (kind === EnvelopeKind.send) this.#takeMessage(reader);
    else if (kind === EnvelopeKind.answer) this.#takeAnswer(reader, node);
    else this.#takeVerb(kind, reader, node);
  }

  async #do(kind: EnvelopeKind, address: AudienceAddress, write: (to: ByteWriter) => void): Promise<Reached> {
    const { group } = this;
    const { nodes, missing } = await group.ask(kind, (to) => {
      writeAddress(to, address);
      write(to);
    });
    return withSelf(group, { nodes, missing });
  }

  #writeForms(to: ByteWriter, encoded: ReadonlyMap<Serializer, Encoded>): void {
    const forms = new Map<string, string | Uint8Array>();
    for (const [serializer, message] of encoded) {
      if (message instanceof SharedMessage) forms.set(this.names.of(serializer), message.data);
    }
    to.count(forms.size);
    for (const [name, data] of forms) {
      to.text(name).byte(typeof data === 'string' ? 0 : 1);
      if (typeof data === 'string') to.text(data);
      else to.bytes(data);
    }
  }

  #takeMessage(reader: ByteReader): void {
    const members = this.select(readAddress(reader));
    const forms = new Map<string, { readonly isBinary: boolean; readonly data: Buffer }>();
    for (let left = reader.count(); left > 0; left--) {
      const name = reader.text();
      forms.set(name, { isBinary: reader.byte() === 1, data: reader.blob() });
    }
    if (members.length === 0) return;
    const framed = new Map<string, SharedMessage>();
    this.fanOut.deliverEncoded(members, (serializer) => {
      const name = this.names.of(serializer);
      const form = forms.get(name) ?? forms.get(BYTES);
      if (form === undefined) return undefined;
      let message = framed.get(name);
      if (message === undefined) {
        message = new SharedMessage(form.isBinary ? form.data : form.data.toString());
        framed.set(name, message);
      }
      return message;
    });
  }

  #takeVerb(kind: EnvelopeKind, reader: ByteReader, node: string): void {
    const ask = reader.count();
    const address = readAddress(reader);
    const members = this.select(address);
    switch (kind) {
      case EnvelopeKind.close:
        closeAll(members, readDecision(reader));
        break;
      case EnvelopeKind.join:
        joinAll(members, reader.texts());
        break;
      case EnvelopeKind.leave:
        leaveAll(members, reader.texts());
        break;
      case EnvelopeKind.count:
        this.#answer(node, kind, ask, true, (to) => to.count(members.length));
        return;
      case EnvelopeKind.list:
        this.#answerList(node, ask, members);
        return;
      default:
        throw new EnvelopeError('is of a kind that is not expected');
    }
    this.#answer(node, kind, ask, true, () => undefined);
  }

  #answerList(node: string, ask: number, members: readonly ServedConnection[]): void {
    const own = this.group.id;
    for (let first = 0; first === 0 || first < members.length; first += LISTED_AT_ONCE) {
      const part = members
        .slice(first, first + LISTED_AT_ONCE)
        .map((connection) => describeMember(connection, own, this.group.backplane.settings.expose));
      const isLast = first + LISTED_AT_ONCE >= members.length;
      this.#answer(node, EnvelopeKind.list, ask, isLast, (to) => writeListed(to, part));
    }
  }

  #answer(node: string, kind: EnvelopeKind, ask: number, isLast: boolean, write: (to: ByteWriter) => void): void {
    this.group.tell(node, EnvelopeKind.answer, (to) => {
      to.count(ask)
        .byte(kind)
        .byte(isLast ? 1 : 0);
      write(to);
    });
  }

  #takeAnswer(reader: ByteReader, node: string): void {
    const ask = reader.count();
    const kind = reader.byte();
    const isLast = reader.byte() === 1;
    const answer =
      kind === EnvelopeKind.count ? reader.count() : kind === EnvelopeKind.list ? readListed(reader, node) : undefined;
    this.group.asks.take(ask, node, answer, isLast);
  }
}

function readDecision(reader: ByteReader): ClosingDecision {
  const code = reader.count();
  const reason = reader.text();
  if (!isSendableCloseCode(code)) throw new EnvelopeError('names a close code that cannot be sent');
  return { code, reason, initiator: 'server' };
}

function withSelf({ id }: NodeGroup, { nodes, missing }: Omit<Answers<unknown>, 'answers'>): Reached {
  return { nodes: [id, ...nodes], missing };
}
