/** Opcodes of RFC 6455 §5.2. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** What a frame says, right or wrong: nothing here is checked, so that a test can break every rule. */
export interface FrameSpec {
  /** Default `true`. */
  readonly fin?: boolean;
  /** The three reserved bits as a number: 4 is RSV1, 2 is RSV2, 1 is RSV3. Default 0. */
  readonly rsv?: number;
  /** 0–15. Default text. */
  readonly opcode?: number;
  /** Text goes in as UTF-8. Default empty. */
  readonly payload?: string | Uint8Array;
  /** `true` masks with a fixed key, four bytes are the key, `false` leaves the frame unmasked. Default `true`. */
  readonly mask?: boolean | Uint8Array;
  /** Bits of the length field, whether or not it is the shortest form (§5.2). Default: the shortest. */
  readonly lengthBits?: 7 | 16 | 64;
  /** The length that the header claims. Default: that of the payload. */
  readonly claimedLength?: number | bigint;
}

/** A frame as it came. */
export interface Frame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
  /** The payload as UTF-8. */
  readonly text: string;
  /** Of a close frame that has one. */
  readonly closeCode: number | undefined;
  /** Of a close frame; empty if it has none. */
  readonly closeReason: string;
}

const FIXED_KEY = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** Builds the bytes of one frame. */
export function frame(spec: FrameSpec = {}): Buffer {
  const { fin = true, rsv = 0, opcode = OPCODE.text, mask = true } = spec;
  const payload = Buffer.from(spec.payload ?? '');
  const key = mask === true ? FIXED_KEY : mask === false ? undefined : mask;
  const first = Buffer.of((fin ? 0x80 : 0) | ((rsv & 7) << 4) | (opcode & 15));
  const length = lengthField(BigInt(spec.claimedLength ?? payload.length), spec.lengthBits);
  length.writeUInt8(length.readUInt8(0) | (key ? 0x80 : 0), 0);
  return Buffer.concat([first, length, key ?? Buffer.alloc(0), key ? xor(payload, key) : payload]);
}

export const text = (payload: string): Buffer => frame({ payload });
export const binary = (payload: Uint8Array): Buffer => frame({ opcode: OPCODE.binary, payload });
export const ping = (payload: string | Uint8Array = ''): Buffer => frame({ opcode: OPCODE.ping, payload });
export const pong = (payload: string | Uint8Array = ''): Buffer => frame({ opcode: OPCODE.pong, payload });

/** Builds a close frame; without a code its payload is empty. The code may be one that must never be sent. */
export function close(code?: number, reason: string | Uint8Array = ''): Buffer {
  if (code === undefined) return frame({ opcode: OPCODE.close });
  const payload = Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]);
  return frame({ opcode: OPCODE.close, payload });
}

/** Builds one message in several frames (RFC 6455 §5.4), one for each part. */
export function fragments(parts: readonly (string | Uint8Array)[], opcode: number = OPCODE.text): Buffer[] {
  return parts.map((payload, index) =>
    frame({ payload, opcode: index === 0 ? opcode : OPCODE.continuation, fin: index === parts.length - 1 }),
  );
}

/** Reads the first frame of some bytes; `undefined` while it is incomplete. */
export function parseFrame(bytes: Buffer): { readonly value: Frame; readonly length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes.readUInt8(0), bytes.readUInt8(1)];
  const short = second & 0x7f;
  const masked = (second & 0x80) !== 0;
  const keyStart = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0);
  const start = keyStart + (masked ? 4 : 0);
  if (bytes.length < start) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + size) return undefined;
  const raw = Buffer.from(bytes.subarray(start, start + size));
  const payload = masked ? xor(raw, bytes.subarray(keyStart, start)) : raw;
  const opcode = first & 15;
  const hasCode = opcode === OPCODE.close && payload.length >= 2;
  return {
    length: start + size,
    value: {
      fin: (first & 0x80) !== 0,
      rsv: (first >> 4) & 7,
      opcode,
      masked,
      payload,
      text: payload.toString('utf8'),
      closeCode: hasCode ? payload.readUInt16BE(0) : undefined,
      closeReason: hasCode ? payload.toString('utf8', 2) : '',
    },
  };
}

function lengthField(length: bigint, bits = length < 126n ? 7 : length < 65_536n ? 16 : 64): Buffer {
  if (bits === 7) return Buffer.of(Number(length & 0x7fn));
  const field = Buffer.alloc(bits === 16 ? 3 : 9, bits === 16 ? 126 : 127);
  if (bits === 16) field.writeUInt16BE(Number(length & 0xffffn), 1);
  else field.writeBigUInt64BE(length, 1);
  return field;
}

function xor(payload: Buffer, key: Uint8Array): Buffer {
  return Buffer.from(payload.map((byte, index) => byte ^ (key[index % 4] ?? 0)));
}
