import { mkdtemp, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Injectable, Logger, Param, ValidationPipe, type OnModuleInit } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { IsInt, IsString, Length, Min } from 'class-validator';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from 'nestjs-plack-websocket';
import { applyUpdate, Doc, encodeStateAsUpdate } from 'yjs';
import { afterTest, startApp } from '../../support/start-app.js';

// #region rate
const options: PlackWebSocketModuleOptions = {
  limits: {
    messagesPerSecond: 20, // of one connection, 20 at once; one more closes it with 1008
    maxConnectionsPerIp: 20, // more get 429, before there is a connection
    maxConnectionsPerUser: 5,
  },
};
// #endregion rate

// #region validation
class Order {
  @IsString()
  @Length(1, 40)
  dish!: string;

  @IsInt()
  @Min(1)
  count!: number;
}

/** With `app.useGlobalPipes(new ValidationPipe({ whitelist: true }))` in `main.ts`, as for controllers. */
@WsEndpoint({ path: 'kitchen', serializer: 'json' })
class KitchenEndpoint {
  @OnMessage('order')
  order(@MessageBody() order: Order): string {
    return `${order.count} × ${order.dish}`;
  }
}
// #endregion validation

let uploads = '';

// #region upload
interface Upload {
  file?: FileHandle;
  bytes: number;
}

/** First `{ "event": "begin" }`, then the file in binary messages of at most `maxPayloadBytes`, then `{ "event": "end" }`. */
@WsEndpoint({ path: 'upload', serializer: 'json', limits: { maxPayloadBytes: 65_536 } })
class UploadEndpoint {
  @OnMessage('begin')
  async begin(connection: Connection<unknown, Upload>): Promise<string> {
    await connection.data.file?.close();
    // A name of ours: one that a client chose could leave the folder.
    connection.data = { file: await open(join(uploads, connection.id), 'w'), bytes: 0 };
    return 'send it';
  }

  /** The next piece waits until this one is written; meanwhile the socket is not read, and the client has to wait. */
  @OnMessage({ binary: true })
  async piece({ data }: Connection<unknown, Upload>, piece: Buffer): Promise<void> {
    if (data.file === undefined) throw new Error('a piece before the event "begin"');
    await data.file.writeFile(piece);
    data.bytes += piece.length;
  }

  @OnMessage('end')
  async end({ data }: Connection<unknown, Upload>): Promise<{ bytes: number }> {
    await data.file?.close();
    delete data.file;
    return { bytes: data.bytes };
  }

  /** The client left in the middle of a file. */
  @OnFinish()
  async leave({ data }: Connection<unknown, Upload>): Promise<void> {
    await data.file?.close();
  }
}
// #endregion upload

// #region yjs
@WsEndpoint('documents/:name')
class DocumentEndpoint {
  readonly #documents = new Map<string, Doc>();

  @OnEstablish()
  enter(connection: Connection, @Param('name') name: string): void {
    connection.join(`document:${name}`);
    void connection.send(encodeStateAsUpdate(this.#open(name)));
  }

  @OnMessage({ binary: true })
  change(connection: Connection, update: Buffer, @Param('name') name: string): void {
    applyUpdate(this.#open(name), update); // throws for what is not an update: the connection closes with 1011
    connection.to(`document:${name}`).broadcast(update);
  }

  #open(name: string): Doc {
    const document = this.#documents.get(name) ?? new Doc(); // read it from your database here
    this.#documents.set(name, document);
    return document;
  }
}
// #endregion yjs

// #region log
@Injectable()
class ConnectionLog implements OnModuleInit {
  readonly #logger = new Logger('Connections');

  constructor(private readonly registry: ConnectionRegistry) {}

  onModuleInit(): void {
    this.registry.on('establish', ({ id, endpoint, context: { ip } }) => {
      this.#logger.log(`${id} ${endpoint.name} from ${ip}, ${this.registry.size} open`);
    });
    this.registry.on('finish', ({ id }, { code, reason, initiator }) => {
      this.#logger.log(`${id} over: ${code} "${reason}" by ${initiator}, ${this.registry.size} open`);
    });
  }
}
// #endregion log

describe('the recipes of docs/guide/11-recipes.md about messages', () => {
  it('close a client that sends too much', async () => {
    const app = await startApp({ endpoints: [KitchenEndpoint], options });
    const client = await app.connect('/ws/kitchen');
    for (let count = 0; count < 50; count++) void client.send({ event: 'order', data: {} }).catch(() => undefined);
    expect(await client.closed()).toMatchObject({ code: 1008, reason: 'too many messages' });
    for (let count = 0; count < 20; count++) await app.connect('/ws/kitchen');
    await expect(app.connect('/ws/kitchen')).rejects.toMatchObject({ status: 429 });
  });

  it('answer what a class refuses, and go on', async () => {
    const app = await startApp({
      endpoints: [KitchenEndpoint],
      configure: (nest) => nest.useGlobalPipes(new ValidationPipe({ whitelist: true })),
    });
    const client = await app.connect('/ws/kitchen');
    await client.send({ event: 'order', data: { dish: 'soup', count: 0 }, id: 1 });
    expect(await client.nextJson()).toMatchObject({
      event: 'error',
      data: { code: 'bad_request', message: 'count must not be less than 1' },
      id: 1,
    });
    await client.send({ event: 'order', data: { dish: 'soup', count: 2 }, id: 2 });
    expect(await client.nextJson()).toEqual({ event: 'order', data: '2 × soup', id: 2 });
  });

  it('keep a file that comes in pieces', async () => {
    uploads = await mkdtemp(join(tmpdir(), 'uploads-'));
    afterTest(() => rm(uploads, { recursive: true }));
    const app = await startApp({ endpoints: [UploadEndpoint] });
    const client = await app.connect('/ws/upload');
    const file = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    await client.send(file.subarray(0, 10));
    expect(await client.nextJson()).toMatchObject({ event: 'error' });
    await client.send({ event: 'begin' });
    expect(await client.nextJson()).toEqual({ event: 'begin', data: 'send it' });
    for (let from = 0; from < file.length; from += 65_536) await client.send(file.subarray(from, from + 65_536));
    await client.send({ event: 'end' });
    expect(await client.nextJson()).toEqual({ event: 'end', data: { bytes: 200_000 } });
    const [connection] = app.registry;
    expect(file.equals(await readFile(join(uploads, connection?.id ?? '')))).toBe(true);
  });

  it('keep the documents of Yjs clients the same', async () => {
    const app = await startApp({ endpoints: [DocumentEndpoint] });
    /** A client as a page has it, with `socket.binaryType = 'arraybuffer'`. */
    const edit = async () => {
      const [document, client] = [new Doc(), await app.connect('/ws/documents/plan')];
      document.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'server') void client.send(update);
      });
      const hear = async (): Promise<void> => applyUpdate(document, (await client.next()) as Buffer, 'server');
      await hear();
      return { text: document.getText('body'), hear, client };
    };
    const ada = await edit();
    ada.text.insert(0, 'tea');
    const grace = await edit();
    if (grace.text.toString() === '') await grace.hear();
    grace.text.insert(3, ' at four');
    await ada.hear();
    expect([ada.text.toString(), grace.text.toString()]).toEqual(['tea at four', 'tea at four']);
    await ada.client.send(Buffer.from('not an update'));
    expect(await ada.client.closed()).toMatchObject({ code: 1011 });
    expect((await edit()).text.toString()).toBe('tea at four');
  });

  it('say in the log who came and why they left', async () => {
    const app = await startApp({ endpoints: [KitchenEndpoint], providers: [ConnectionLog] });
    const client = await app.connect('/ws/kitchen');
    await app.logs.waitFor('log', /^\S+ KitchenEndpoint from 127\.0\.0\.1, 1 open Connections$/);
    await client.close(4000, 'tired');
    await app.logs.waitFor('log', /^\S+ over: 4000 "tired" by client, 0 open Connections$/);
    expect(app.logs.problems).toEqual([]);
  });
});
