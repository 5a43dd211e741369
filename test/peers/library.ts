import type { Type } from '@nestjs/common';
import type { Connection } from 'nestjs-plack-websocket';
import { WebSocket } from 'ws';
import { Journal } from '../support/journal.js';

/** How a client saw its connection end. */
export interface End {
  readonly code: number;
  readonly reason: string;
}

/** A client of the library, by its own package. */
export interface LibraryClient {
  /** Sends all of it at once, and gives what comes back, in order. The connection may not be taken yet. */
  ask(words: readonly string[]): Promise<readonly string[]>;
  /** Leaves as this client leaves. */
  leave(): unknown;
  readonly ended: Promise<End>;
}

/** The server half of a library on an endpoint of ours at /ws/library, and its client. */
export interface Library {
  readonly endpoint: Type;
  readonly providers?: readonly Type[];
  /** Opens the WebSocket; what the library has to say to its server then may be on its way. */
  open(url: string): Promise<LibraryClient>;
  /** How many clients the server half knows. */
  clients(): number;
  /** Closes all clients by the means of the server half; gives the code that they get. */
  close(): Promise<number> | number;
}

/** What happens between the 101 and the moment when the endpoint takes the socket: a test says it. */
export const beforeTaking = { wait: (_connection: Connection): Promise<unknown> => Promise.resolve() };

/** Opens WebSockets for a client library, and tells how they end. */
export class Opener {
  readonly #opened = new Journal<WebSocket>();

  /** For libraries that take a class. */
  readonly webSocket: new (address: string, protocols?: string | string[]) => WebSocket;
  readonly ended: Promise<End>;

  constructor() {
    let hear: (socket: WebSocket) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      hear = (socket) => {
        socket.on('open', () => this.#opened.add(socket));
        socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
      };
    });
    this.webSocket = class extends WebSocket {
      constructor(address: string, protocols?: string | string[]) {
        super(address, protocols);
        hear(this);
      }
    };
  }

  get opened(): Promise<WebSocket> {
    return this.#opened.next();
  }
}
