import { Socket } from 'node:net';
import { Duplex, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { Connection } from '../../src/index.js';
import { EchoEndpoint, lastOpened } from '../support/echo-endpoint.js';
import { afterTest, startApp } from '../support/start-app.js';

/*
 * An agent that watches traffic may replace the methods of all sockets and keep what is written for a moment. The bytes it
 * keeps must stay those of the message: they are written over only where Node itself has copied them.
 */

const PATCHES: [string, (see: (chunk: unknown) => void) => void][] = [
  [
    '_write of all sockets',
    (see) => {
      const { _write: write, _writev: writev } = Socket.prototype;
      afterTest(() => Object.assign(Socket.prototype, { _write: write, _writev: writev }));
      Socket.prototype._write = function (this: Socket, chunk, encoding, callback) {
        see(chunk);
        write.call(this, chunk, encoding, callback);
      };
      Socket.prototype._writev = function (this: Socket, chunks, callback) {
        for (const { chunk } of chunks) see(chunk);
        writev?.call(this, chunks, callback);
      };
    },
  ],
  [
    'write of all streams',
    (see) => {
      const { write: original } = Writable.prototype;
      // A Duplex has a copy of the method, which sockets inherit.
      afterTest(() => [Writable, Duplex].forEach(({ prototype }) => (prototype.write = original)));
      const patched = function (this: Writable, ...args: unknown[]) {
        if (this instanceof Socket) see(args[0]);
        return (original as (...rest: unknown[]) => boolean).apply(this, args);
      } as typeof original;
      for (const { prototype } of [Writable, Duplex]) prototype.write = patched;
    },
  ],
];

describe.each(PATCHES)('bytes that a replaced %s keeps', (_name, patch) => {
  it('stay those of the message, whatever is sent after it', async () => {
    const app = await startApp({ providers: [EchoEndpoint] });
    const open = async (): Promise<Connection> => {
      await app.connect('/ws/echo');
      return lastOpened();
    };
    const [ada, bob] = [await open(), await open()];
    const kept: (Buffer | string)[] = [];
    patch((chunk) => {
      if (String(chunk).includes('for ')) kept.push(chunk as Buffer | string);
    });
    for (const [connection, name] of [
      [ada, 'ada'],
      [bob, 'bob'],
      [ada, 'ada'],
    ] as const) {
      void connection.send(`for ${name}`);
      await setImmediate();
    }
    expect(kept.map((chunk) => String(chunk).slice(-7))).toEqual(['for ada', 'for bob', 'for ada']);
  });
});
