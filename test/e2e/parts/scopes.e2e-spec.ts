import { describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Query,
  Scope,
  UseGuards,
  type CanActivate,
  type ExecutionContext,
  type Provider,
} from '@nestjs/common';
import {
  APP_GUARD,
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import {
  Connection,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
  WsEndpointPart,
} from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { afterTest, startApp } from '../../support/start-app.js';

/** One sub-tree of providers per tenant, as in Nest's documentation. */
class PerTenant implements ContextIdStrategy<{ headers: Record<string, string | undefined> }> {
  readonly #tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, request: { headers: Record<string, string | undefined> }) {
    const tenantId = request.headers['x-tenant'] ?? 'none';
    const tenant = this.#tenants.get(tenantId) ?? ContextIdFactory.create();
    this.#tenants.set(tenantId, tenant);
    return {
      resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tenant : contextId),
      payload: { tenantId },
    };
  }
}

let made = 0;

/** One for each connection, shared by all that are of request scope in it. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  readonly number = ++made;

  constructor(@Inject(REQUEST) readonly request: RequestContext) {}
}

describe('a part of request scope', () => {
  it.each([
    ['of an endpoint that is a singleton', Scope.DEFAULT],
    ['of an endpoint of request scope', Scope.REQUEST],
  ])('%s has one instance for each connection', async (_what, scope) => {
    @WsEndpoint({ path: 'room', serializer: 'json', scope })
    class Room {
      #messages = 0;

      @OnMessage('open')
      open(): number {
        return ++this.#messages;
      }
    }

    @WsEndpointPart(Room, { scope: Scope.REQUEST })
    class Chat {
      #messages = 0;
      #name = '';

      constructor(
        private readonly visit: Visit,
        @Inject(REQUEST) private readonly request: RequestContext,
      ) {}

      @OnEstablish()
      enter(_connection: Connection, @Query('name') name: string): void {
        this.#name = name;
      }

      @OnMessage('say')
      say(): unknown {
        return [this.#name, ++this.#messages, this.visit.request === this.request, this.request.query['name']];
      }
    }

    @WsEndpointPart(Room)
    class Counter {
      #messages = 0;

      @OnMessage('count')
      count(): number {
        return ++this.#messages;
      }
    }

    const app = await startApp({ endpoints: [Room, Chat, Counter], providers: [Visit] });
    const answers: unknown[] = [];
    for (const name of ['Ada', 'Grace']) {
      const client = await app.connect('/ws/room', { query: { name } });
      for (const event of ['say', 'say', 'count', 'open']) {
        void client.send({ event });
        answers.push((await client.nextJson<{ data: unknown }>()).data);
      }
    }
    expect(answers).toEqual([
      ...[['Ada', 1, true, 'Ada'], ['Ada', 2, true, 'Ada'], 1, 1],
      ...[['Grace', 1, true, 'Grace'], ['Grace', 2, true, 'Grace'], 2, scope === Scope.REQUEST ? 1 : 2],
    ]);
  });

  it('shares its providers with the other classes and their guards, from the handshake to the finish', async () => {
    const seen = new Journal<readonly [string, number]>();

    @Injectable({ scope: Scope.REQUEST })
    class VisitGuard implements CanActivate {
      constructor(private readonly visit: Visit) {}

      canActivate(context: ExecutionContext): boolean {
        seen.add([`guard ${context.getType()} ${context.getClass().name}`, this.visit.number]);
        return true;
      }
    }

    @WsEndpoint({ path: 'room', serializer: 'json', scope: Scope.REQUEST })
    class Room {
      constructor(private readonly visit: Visit) {}

      @OnEstablish()
      enter(): void {
        seen.add(['room', this.visit.number]);
      }
    }

    @UseGuards(VisitGuard)
    @WsEndpointPart(Room)
    class Chat {
      constructor(private readonly visit: Visit) {}

      @OnMessage('say')
      say(): string {
        seen.add(['say', this.visit.number]);
        return 'said';
      }

      @OnFinish()
      leave(): void {
        seen.add(['leave', this.visit.number]);
      }
    }

    const app = await startApp({ endpoints: [Room, Chat], providers: [Visit] });
    const client = await app.connect('/ws/room');
    const number = made;
    void client.send({ event: 'say' });
    await client.next();
    await client.close();
    expect(await seen.reached(5)).toEqual([
      ['guard http Chat', number],
      ['room', number],
      ['guard ws Chat', number],
      ['say', number],
      ['leave', number],
    ]);
    expect(made).toBe(number);
  });

  it('is not made again when its guard leaves it out', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class NoGuard implements CanActivate {
      canActivate(): boolean {
        return false;
      }
    }

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnMessage('open')
      open(): string {
        return 'opened';
      }
    }

    @UseGuards(NoGuard)
    @WsEndpointPart(Room, { scope: Scope.REQUEST })
    class Chat {
      @OnMessage('say')
      say(): void {}
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    const client = await app.connect('/ws/room');
    void client.send({ event: 'say' });
    void client.send({ event: 'open' });
    expect(await client.nextJson()).toMatchObject({ event: 'error', data: { code: 'forbidden' } });
    expect(await client.nextJson()).toEqual({ event: 'open', data: 'opened' });
  });
});

it('a guard of the application of request scope runs for the handshake and for the messages of a part', async () => {
  const seen: string[] = [];

  @Injectable({ scope: Scope.REQUEST })
  class AppGuard implements CanActivate {
    constructor(private readonly visit: Visit) {}

    canActivate(context: ExecutionContext): boolean {
      seen.push(`${context.getType()} ${context.getClass().name} ${this.visit.request.path}`);
      return true;
    }
  }

  @WsEndpoint({ path: 'room', serializer: 'json' })
  class Room {
    @OnMessage('open')
    open(): void {}
  }

  @WsEndpointPart(Room)
  class Chat {
    @OnMessage('say')
    say(): string {
      return 'said';
    }
  }

  const guard: Provider = { provide: APP_GUARD, useClass: AppGuard, scope: Scope.REQUEST };
  const app = await startApp({ endpoints: [Room, Chat], providers: [Visit, guard] });
  const client = await app.connect('/ws/room');
  void client.send({ event: 'say' });
  await client.next();
  expect(seen).toEqual(['http Room /ws/room', 'ws Chat /ws/room']);
});

it('a durable part is shared by the connections of one tenant, beside an endpoint of request scope', async () => {
  // The strategy is global to the process.
  afterTest(() => ContextIdFactory.apply(undefined as unknown as ContextIdStrategy));
  ContextIdFactory.apply(new PerTenant());

  @WsEndpoint({ path: 'room', serializer: 'json', scope: Scope.REQUEST })
  class Room {
    constructor(@Inject(REQUEST) private readonly request: RequestContext) {}

    @OnMessage('who')
    who(): unknown {
      return this.request.query['name'];
    }
  }

  @WsEndpointPart(Room, { scope: Scope.REQUEST, durable: true })
  class Tally {
    #count = 0;

    @OnMessage('count')
    count(): number {
      return ++this.#count;
    }
  }

  const app = await startApp({ endpoints: [Room, Tally] });
  const answers: unknown[] = [];
  for (const [tenant, name] of [
    ['red', 'Ada'],
    ['red', 'Grace'],
    ['blue', 'Linus'],
  ] as const) {
    const client = await app.connect('/ws/room', { headers: { 'x-tenant': tenant }, query: { name } });
    void client.send({ event: 'who' });
    void client.send({ event: 'count' });
    answers.push((await client.nextJson<{ data: unknown }>()).data, (await client.nextJson<{ data: unknown }>()).data);
  }
  expect(answers).toEqual(['Ada', 1, 'Grace', 2, 'Linus', 1]);
});
