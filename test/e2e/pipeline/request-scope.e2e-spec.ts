import { beforeEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope, UseGuards } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, REQUEST } from '@nestjs/core';
import {
  Connection,
  OnError,
  OnEstablish,
  OnFinish,
  OnMessage,
  RequestContext,
  WsEndpoint,
} from '../../../src/index.js';
import { heldAfterCollection } from '../../support/garbage.js';
import { Gate, Journal } from '../../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

let made: object[];
let happened: Journal<unknown>;

beforeEach(() => {
  made = [];
  happened = new Journal();
});

/** One per connection, because it is of request scope. */
@Injectable({ scope: Scope.REQUEST })
class Visit {
  readonly seen: string[] = [];

  constructor(@Inject(REQUEST) readonly context: RequestContext) {
    made.push(this);
  }
}

@WsEndpoint({ path: 'visits/:who', serializer: 'json' })
class Visits {
  constructor(readonly visit: Visit) {}

  @OnEstablish()
  enter(): void {
    this.visit.seen.push('enter');
  }

  @OnMessage('say')
  say(_connection: Connection, text: string): string {
    this.visit.seen.push(text);
    return this.visit.context.params['who'] as string;
  }

  @OnMessage('break')
  break(): never {
    throw new Error('broken');
  }

  @OnError()
  fail(): void {
    this.visit.seen.push('fail');
  }

  @OnFinish()
  leave(): void {
    happened.add([...this.visit.seen, 'leave']);
  }
}

async function start(spec: AppSpec = {}): Promise<StartedApp> {
  const app = await startApp({ endpoints: [Visits], ...spec, providers: [Visit, ...(spec.providers ?? [])] });
  app.registry.on('finish', () => happened.add('finished'));
  return app;
}

describe('a request-scoped provider', () => {
  it('is made once per connection and shared by establish, messages, errors and finish', async () => {
    const app = await start();
    const client = await app.connect('/ws/visits/alice');
    for (const data of ['one', 'two', 'three']) void client.send({ event: 'say', data });
    void client.send({ event: 'break' });
    for (let replies = 0; replies < 4; replies++) await client.next();
    await client.close();
    expect(await happened.next()).toEqual(['enter', 'one', 'two', 'three', 'fail', 'leave']);
    expect(made).toHaveLength(1);
  });

  it('is another one for each connection', async () => {
    const app = await start();
    const [alice, bob] = [await app.connect('/ws/visits/alice'), await app.connect('/ws/visits/bob')];
    void alice.send({ event: 'say', data: 'a' });
    void bob.send({ event: 'say', data: 'b' });
    expect(await alice.nextJson()).toMatchObject({ data: 'alice' });
    expect(await bob.nextJson()).toMatchObject({ data: 'bob' });
    await alice.close();
    expect(await happened.next()).toEqual(['enter', 'a', 'leave']);
    expect(made).toHaveLength(2);
  });

  it('gets the request context as @Inject(REQUEST)', async () => {
    const app = await start();
    await app.connect('/ws/visits/alice');
    const [connection] = app.registry;
    const [visit] = made as Visit[];
    expect(visit?.context).toBeInstanceOf(RequestContext);
    expect(visit?.context).toBe(connection?.context);
  });

  it('is made before the 101, so a constructor that throws refuses', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Failing {
      constructor() {
        throw new Error('secret');
      }
    }
    @WsEndpoint('failing')
    class WithFailing {
      constructor(readonly failing: Failing) {}

      @OnEstablish()
      enter(): void {}
    }
    const app = await start({ endpoints: [WithFailing], providers: [Failing] });
    const refused = await app.connect('/ws/failing').catch((error: unknown) => error);
    expect(refused).toMatchObject({ status: 500, body: expect.not.stringContaining('secret') });
    expect(app.registry.size).toBe(0);
  });

  it('may come from an asynchronous factory, and nothing is established before it is there', async () => {
    const gate = new Gate<string>();
    @WsEndpoint('later')
    class Later {
      constructor(@Inject('LATER') readonly value: string) {}

      @OnMessage()
      say(): string {
        return this.value;
      }
    }
    const app = await start({
      endpoints: [Later],
      providers: [{ provide: 'LATER', scope: Scope.REQUEST, useFactory: () => gate.opened }],
    });
    const pending = app.connect('/ws/later');
    await app.fetch('/');
    expect(app.registry.size).toBe(0);
    gate.open('value');
    const client = await pending;
    void client.send('hello');
    expect(await client.next()).toBe('value');
  });

  it('is found by ContextIdFactory.getByRequest, for the request and for its context', async () => {
    @UseGuards({
      canActivate: (context) => {
        happened.add(context.switchToHttp().getRequest());
        return true;
      },
    })
    @WsEndpoint('visits/:who')
    class Looked {
      constructor(
        readonly visit: Visit,
        readonly moduleRef: ModuleRef,
      ) {}

      @OnEstablish()
      async enter(_connection: Connection, context: RequestContext): Promise<void> {
        for (const request of [context, context.raw]) {
          happened.add((await this.moduleRef.resolve(Visit, ContextIdFactory.getByRequest(request))) === this.visit);
        }
      }
    }
    const app = await start({ endpoints: [Looked] });
    await app.connect('/ws/visits/alice');
    expect((await happened.reached(3)).slice(1)).toEqual([true, true]);
    expect(made).toHaveLength(1);
  });
});

it.each([
  ['of request scope', Scope.REQUEST],
  ['that is a singleton', Scope.DEFAULT],
])(
  'ContextIdFactory.getByRequest finds the scope of a connection on messages and at its finish, in an endpoint %s',
  async (_what, scope) => {
    @WsEndpoint({ path: 'visits/:who', scope })
    class Looked {
      constructor(readonly moduleRef: ModuleRef) {}

      @OnEstablish()
      async enter(connection: Connection, context: RequestContext): Promise<void> {
        await this.#look(context);
        await this.#look(connection);
      }

      @OnMessage()
      async say(connection: Connection): Promise<string> {
        await this.#look(connection);
        return 'said';
      }

      @OnFinish()
      async leave(connection: Connection): Promise<void> {
        await this.#look(connection);
      }

      async #look(request: object): Promise<void> {
        happened.add(await this.moduleRef.resolve(Visit, ContextIdFactory.getByRequest(request)));
      }
    }
    const app = await start({ endpoints: [Looked] });
    for (const [index, who] of ['alice', 'bob'].entries()) {
      const client = await app.connect(`/ws/visits/${who}`);
      void client.send('hello');
      expect(await client.next()).toBe('said');
      await client.close();
      // Establish twice, a message, the finish and its event.
      const visits = (await happened.reached(5 * (index + 1))).slice(5 * index).filter((entry) => entry !== 'finished');
      expect(new Set(visits).size).toBe(1);
      expect(made).toHaveLength(index + 1);
      if (scope === Scope.REQUEST) expect((visits[0] as Visit).context.params).toEqual({ who });
    }
  },
);

describe('an endpoint of request scope', () => {
  it.each([
    ['by the scope of its decorator', { path: 'own', scope: Scope.REQUEST }],
    ['by a dependency', { path: 'own' }],
  ])('%s has one instance per connection', async (_how, options) => {
    @WsEndpoint(options)
    class Own {
      count = 0;

      constructor(@Inject(REQUEST) readonly context: RequestContext) {
        made.push(this);
      }

      @OnMessage()
      say(): string {
        return String(++this.count);
      }
    }
    const app = await start({ endpoints: [Own] });
    const [first, second] = [await app.connect('/ws/own'), await app.connect('/ws/own')];
    void first.send('x');
    void first.send('x');
    void second.send('x');
    expect([await first.next(), await first.next(), await second.next()]).toEqual(['1', '2', '1']);
    expect(made).toHaveLength(2);
  });
});

it('nothing of a connection is held after it is finished', async () => {
  const app = await start();
  const client = await app.connect('/ws/visits/alice');
  void client.send({ event: 'say', data: 'x' });
  await client.next();
  const refs = refer(app);
  expect(refs).toHaveLength(3);
  await client.close();
  await happened.reached(2);

  expect(await heldAfterCollection(refs)).toBe(0);
});

/** In a function of its own, so that no variable of the test holds what it names. */
function refer(app: StartedApp): WeakRef<object>[] {
  const [connection] = app.registry;
  return [connection, connection?.context, ...made.splice(0)].map((object) => new WeakRef(Object(object)));
}
