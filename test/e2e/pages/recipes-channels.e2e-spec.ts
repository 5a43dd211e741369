import { describe, expect, it } from '@jest/globals';
import { Injectable, Param, type OnModuleInit } from '@nestjs/common';
import {
  Connection,
  ConnectionRegistry,
  OnEstablish,
  WsEndpoint,
  type Delivery,
  type PlackWebSocketModuleOptions,
} from 'nestjs-plack-websocket';
import { Gate, Journal } from '../../support/journal.js';
import { startApp } from '../../support/start-app.js';

interface User {
  readonly id: string;
}

abstract class Permissions {
  abstract mayRead(userIds: readonly string[], document: string): Promise<ReadonlySet<string>>;
}

@WsEndpoint({ path: 'documents/:id', serializer: 'json' })
class DocumentEndpoint {
  @OnEstablish()
  enter(connection: Connection<User>, @Param('id') id: string): void {
    connection.join(`document:${id}`);
  }
}

// #region may
@Injectable()
class Comments {
  constructor(
    private readonly registry: ConnectionRegistry,
    private readonly permissions: Permissions,
  ) {}

  /** Asks the database who may read this, and sends it to those who are there. */
  async publish(document: string, text: string): Promise<Delivery> {
    const readers = this.registry.in(DocumentEndpoint).only(`document:${document}`);
    const asked = readers.connections(); // fixed: who comes while we wait was not asked about
    const allowed = await this.permissions.mayRead(
      asked.map(({ user }) => user.id),
      document,
    );
    const may = asked.filter(({ user }) => allowed.has(user.id));
    return readers.only(may).send({ event: 'comment', data: { text } }); // an empty list means no one
  }
}
// #endregion may

abstract class Market {
  abstract subscribe(symbol: string, onPrice: (price: number) => void): () => void;
}

@WsEndpoint({ path: 'tickers/:symbol', serializer: 'json' })
class TickerEndpoint {
  @OnEstablish()
  enter(connection: Connection, @Param('symbol') symbol: string): void {
    connection.join(`ticker:${symbol}`);
  }
}

// #region occupied
/** Has a subscription at the market for each ticker that is looked at, and for no others. */
@Injectable()
class Tickers implements OnModuleInit {
  readonly #subscriptions = new Map<string, () => void>();

  constructor(
    private readonly registry: ConnectionRegistry,
    private readonly market: Market,
  ) {}

  onModuleInit(): void {
    this.registry.on('occupied', ({ channel }) => this.#open(channel));
    this.registry.on('vacated', ({ channel }) => this.#close(channel)); // a second after the last one left
  }

  #open(channel: string): void {
    const [kind, symbol] = channel.split(':');
    if (kind !== 'ticker' || symbol === undefined) return;
    const push = (price: number): void => void this.registry.to(channel).send({ event: 'price', data: price });
    this.#subscriptions.set(channel, this.market.subscribe(symbol, push));
  }

  #close(channel: string): void {
    this.#subscriptions.get(channel)?.();
    this.#subscriptions.delete(channel);
  }
}
// #endregion occupied

// #region newest
const options: PlackWebSocketModuleOptions = {
  limits: { maxConnectionsPerUser: { max: 1, exceeded: 'replace' } }, // the older one closes with 4409
};
// #endregion newest

const loginOf = (user: string): { query: { user: string } } => ({ query: { user } });
const login: PlackWebSocketModuleOptions = {
  handshake: (context) => void (context.user = { id: String(context.query['user']) }),
};

describe('the recipes of docs/guide/11-recipes.md about channels', () => {
  it('reach those who may read, and not who comes while they are asked about', async () => {
    const asked = new Journal();
    const answer = new Gate();
    const permissions: Permissions = {
      async mayRead(ids, document) {
        asked.add(`${document}: ${ids.join(' ')}`);
        await answer.opened;
        return new Set(['ada', 'eve']);
      },
    };
    const app = await startApp({
      endpoints: [DocumentEndpoint],
      providers: [Comments, { provide: Permissions, useValue: permissions }],
      options: login,
    });
    const [ada, bob] = [
      await app.connect('/ws/documents/7', loginOf('ada')),
      await app.connect('/ws/documents/7', loginOf('bob')),
    ];
    const published = app.app.get(Comments).publish('7', 'hello');
    expect(await asked.next()).toBe('7: ada bob');
    const eve = await app.connect('/ws/documents/7', loginOf('eve'));
    answer.open();
    expect(await published).toEqual({ matched: 1, sent: 1, dropped: 0 });
    expect(await ada.nextJson()).toEqual({ event: 'comment', data: { text: 'hello' } });
    app.registry.broadcast('end');
    expect([await bob.nextJson(), await eve.nextJson()]).toEqual(['end', 'end']);
  });

  it('subscribe while a ticker is looked at', async () => {
    const happened = new Journal();
    const listeners = new Map<string, (price: number) => void>();
    const market: Market = {
      subscribe(symbol, onPrice) {
        happened.add(`open ${symbol}`);
        listeners.set(symbol, onPrice);
        return () => happened.add(`close ${symbol}`);
      },
    };
    const app = await startApp({
      endpoints: [TickerEndpoint, DocumentEndpoint],
      providers: [Tickers, { provide: Market, useValue: market }],
      options: login,
    });
    await app.connect('/ws/documents/7', loginOf('ada'));
    const [one, other] = [await app.connect('/ws/tickers/ACME'), await app.connect('/ws/tickers/ACME')];
    expect(await happened.next()).toBe('open ACME');
    listeners.get('ACME')?.(42);
    expect([await one.nextJson(), await other.nextJson()]).toEqual([
      { event: 'price', data: 42 },
      { event: 'price', data: 42 },
    ]);
    await one.close();
    await other.close();
    expect(await happened.next()).toBe('close ACME');
    expect(happened.entries).toHaveLength(2);
  });

  it('keep the newest connection of a user', async () => {
    const app = await startApp({ endpoints: [DocumentEndpoint], options: { ...login, ...options } });
    const older = await app.connect('/ws/documents/1', loginOf('ada'));
    await app.connect('/ws/documents/2', loginOf('ada'));
    expect(await older.closed()).toMatchObject({ code: 4409 });
    expect(app.registry.toUser('ada').size).toBe(1);
  });
});
