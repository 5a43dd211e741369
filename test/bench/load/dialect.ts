import type { ContenderName } from '../contenders/contender.js';

/** What is spoken: raw text, or events with data. `checked` passes a guard, a pipe and an interceptor. */
export type Speech = 'raw' | 'echo' | 'checked' | 'news';

/** How a contender is spoken to. Everything here is text, since it travels to the load process. */
export interface Dialect {
  /** The path of the upgrade; undefined: plain TCP without a handshake. */
  readonly path: string | undefined;
  /** Sent after the 101, answered before the connection counts as open. */
  readonly greeting: { readonly send: string; readonly answerBegins: string } | undefined;
  /** A heartbeat inside of data frames and the answer it wants. */
  readonly heartbeat: { readonly ping: string; readonly pong: string } | undefined;
  /** The server sends the very frames of the client back, mask and all. */
  readonly echoesFrames: boolean;
}

const PLAIN = { greeting: undefined, heartbeat: undefined, echoesFrames: false };

export function dialectOf(contender: ContenderName, speech: Speech): Dialect {
  const endpoint = speech === 'raw' ? 'raw' : 'events';
  switch (contender) {
    case 'tcp':
      return { ...PLAIN, path: undefined, echoesFrames: true };
    case 'socket.io':
      // engine.io 4 on its WebSocket transport: "40" enters the default namespace, "2" is a ping, "3" a pong.
      return {
        path: '/socket.io/?EIO=4&transport=websocket',
        greeting: { send: '40', answerBegins: '40{' },
        heartbeat: { ping: '2', pong: '3' },
        echoesFrames: false,
      };
    case 'ours':
    case 'base':
      return { ...PLAIN, path: `/ws/${endpoint}` };
    case 'parts':
      return { ...PLAIN, path: '/ws/parts' };
    case 'ws':
    case 'platform-ws':
      return { ...PLAIN, path: `/${endpoint}` };
  }
}

/** The message on the wire and the text it carries, so that the payload of its frame has `bytes` bytes. */
export function compose(contender: ContenderName, speech: Speech, bytes: number): { wire: string; text: string } {
  const wrap = (text: string): string => {
    if (speech === 'raw') return text;
    const data = { text };
    return contender === 'socket.io' ? `42${JSON.stringify([speech, data])}` : JSON.stringify({ event: speech, data });
  };
  const room = bytes - wrap('').length;
  if (room < 0) throw new Error(`${bytes} bytes cannot hold a "${speech}" message`);
  const text = 'the quick brown fox jumps over the lazy dog '.repeat(Math.ceil(room / 44)).slice(0, room);
  return { wire: wrap(text), text };
}
