import { ServerResponse } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  createParamDecorator,
  Param,
  type CanActivate,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { map, of } from 'rxjs';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint } from '../../../../src/index.js';
import { fakeConnection } from '../../../../src/testing.js';
import { compileEndpoint } from '../../../../src/websocket/endpoint/pipeline/compiled-endpoint.js';
import type { MessageHandler } from '../../../../src/websocket/endpoint/pipeline/endpoint-handlers.js';
import { Intercepted } from '../../../../src/websocket/endpoint/pipeline/compiled-interceptors.js';
import { Endpoint, ScopedInstances, type EndpointSettings } from '../../../../src/websocket/endpoint/endpoint.js';
import type { ConnectionContextId, Enhancers } from '../../../../src/websocket/endpoint/pipeline/enhancers.js';
import { PathPattern } from '../../../../src/websocket/routing/path-pattern.js';
import type { ServedConnection } from '../../../../src/websocket/connection/served-connection.js';
import { MessageStage } from '../../../../src/websocket/lifecycle/message/message-stage.js';
import { compile, FixedEnhancers, providerOf } from '../../../support/fixed-enhancers.js';
import { PLAIN_REPLY } from '../../../../src/websocket/lifecycle/message/reply.js';

function noResponse(): ServerResponse {
  throw new Error('There is no response here.');
}

const Double = createParamDecorator((data: number) => data * 2);

@WsEndpoint('probe/:id')
class Probe {
  left: unknown[] = [];

  @OnEstablish()
  enter(_connection: Connection, @Param('id') _id: string): string {
    return 'entered';
  }

  @OnMessage()
  say(_connection: Connection, @MessageBody() text: string): string {
    return `said ${text}`;
  }

  @OnMessage('custom')
  custom(@Double(2) four: number): number {
    return four;
  }

  @OnFinish()
  leave(connection: Connection): boolean {
    return this.left.push(connection) > 0;
  }
}

const guard: CanActivate = { canActivate: () => true };
const interceptor: NestInterceptor = {
  intercept: (_context, next) => next.handle().pipe(map((value) => `(${value})`)),
};
const pipe: PipeTransform<string, string> = { transform: (value) => value.toUpperCase() };
const later = {
  guard: { canActivate: async () => true },
  observing: { canActivate: () => of(true) },
  pipe: { transform: async (value: string) => value.toUpperCase() },
  interceptor: { intercept: async () => of('later') },
};

/** Items that a stream gives before it is let go of, in this tick. */
function itemsNow({ results }: Intercepted): unknown[] {
  const items: unknown[] = [];
  results.subscribe((item) => items.push(item));
  return items;
}

const connection = (): Connection => fakeConnection({ url: '/ws/probe/7', params: { id: '7' } });

describe('a compiled message handler', () => {
  const say = (enhancers: Partial<Enhancers>): unknown =>
    compile(Probe, enhancers).handlers.anyMessage?.invoke(connection(), 'hello', 'message', PLAIN_REPLY);

  it.each<[string, Partial<Enhancers>, string]>([
    ['nothing', {}, 'said hello'],
    ['a guard', { guards: [guard] }, 'said hello'],
    ['a pipe', { pipes: [pipe] }, 'said HELLO'],
    ['guards and pipes', { guards: [guard, guard], pipes: [pipe, pipe] }, 'said HELLO'],
  ])('gives the result itself and no promise with %s', (_what, enhancers, result) => {
    expect(say(enhancers)).toBe(result);
  });

  it('gives a stream that has all its items at once with guards, interceptors and pipes', () => {
    const result = say({ guards: [guard], interceptors: [interceptor, interceptor], pipes: [pipe] });
    expect(result).toBeInstanceOf(Intercepted);
    expect(itemsNow(result as Intercepted)).toEqual(['((said HELLO))']);
  });

  it.each<[string, Partial<Enhancers>]>([
    ['a guard', { guards: [guard, later.guard] }],
    ['a guard that gives an Observable', { guards: [later.observing] }],
    ['a pipe', { pipes: [later.pipe] }],
  ])('gives a promise as soon as %s needs time', async (_what, enhancers) => {
    const result = say(enhancers);
    expect(result).toBeInstanceOf(Promise);
    expect(await result).toMatch(/said hello/i);
  });

  it('gives a stream without items in this tick when an interceptor needs time', () => {
    expect(itemsNow(say({ interceptors: [later.interceptor as NestInterceptor] }) as Intercepted)).toEqual([]);
  });

  it.each<[string, Partial<Enhancers>, number]>([
    ['nothing and pipes', { pipes: [pipe] }, 0],
    ['a guard', { guards: [guard] }, 1],
    ['guards and interceptors', { guards: [guard, guard], interceptors: [interceptor, interceptor] }, 1],
  ])('makes as few execution contexts as it can, with %s', (_what, enhancers, contexts) => {
    const { handlers, finder } = compile(Probe, enhancers);
    handlers.anyMessage?.invoke(connection(), 'hello', 'message', PLAIN_REPLY);
    expect(finder.contexts).toBe(contexts);
  });

  it('makes an execution context where a custom decorator needs one', () => {
    const { handlers, finder } = compile(Probe);
    expect(handlers.events.get('custom')?.invoke(connection(), undefined, 'custom', PLAIN_REPLY)).toBe(4);
    expect(finder.contexts).toBe(1);
  });

  it('looks for enhancers when it is compiled and never again', () => {
    const { handlers, finder } = compile(Probe, { guards: [guard] });
    const { searches } = finder;
    for (let messages = 0; messages < 3; messages++)
      handlers.anyMessage?.invoke(connection(), 'hello', 'message', PLAIN_REPLY);
    expect(searches).toBeGreaterThan(0);
    expect(finder.searches).toBe(searches);
  });

  it('calls through the instance, so that a wrapped method is seen', () => {
    const provider = providerOf(Probe);
    const handlers = compileEndpoint(new FixedEnhancers(), provider);
    Object.assign(provider.instance, { say: () => 'wrapped' });
    expect(handlers.anyMessage?.invoke(connection(), 'x', 'message', PLAIN_REPLY)).toBe('wrapped');
  });
});

describe('the other stages', () => {
  it('admit without a promise as long as guards and pipes need no time', async () => {
    const { context } = connection();
    const sync = compile(Probe, { guards: [guard], pipes: [pipe] }).handlers.handshake(
      context,
      () => new ServerResponse(context.raw),
    );
    expect(sync).toEqual([[undefined, '7']]);
    const async = compile(Probe, { guards: [later.guard] }).handlers.handshake(
      context,
      () => new ServerResponse(context.raw),
    );
    expect(async).toBeInstanceOf(Promise);
    expect(await async).toEqual([[undefined, '7']]);
  });

  it('admit without an HTTP response when there is no guard', () => {
    const { handlers, finder } = compile(Probe);
    const unused = (): never => {
      throw new Error('nobody needs a response');
    };
    expect(handlers.handshake(connection().context, unused)).toEqual([[undefined, '7']]);
    expect(finder.contexts).toBe(0);
  });

  it('establish and finish without a promise', () => {
    const { handlers } = compile(Probe, { guards: [guard], pipes: [pipe] });
    expect(handlers.establish?.(connection() as ServedConnection, [undefined, '7'])).toBe('entered');
    expect(handlers.finish?.(connection(), undefined)).toBe(true);
  });
});

it('a message is answered in the tick it arrives in, through guard, interceptor and pipe', () => {
  const { handlers } = compile(Probe, { guards: [guard], interceptors: [interceptor], pipes: [pipe] });
  const client = fakeConnection();
  const pending = new MessageStage(handlers).handle(client as unknown as ServedConnection, 'hello', false);
  expect(pending).toBeUndefined();
  expect(client.sent).toEqual(['(said HELLO)']);
});

class NoScopes extends ScopedInstances {
  override open(): ConnectionContextId {
    throw new Error('nothing is of request scope');
  }

  override load(): Promise<object> {
    throw new Error('nothing is of request scope');
  }
}

describe('an endpoint of request scope', () => {
  class Scopes extends ScopedInstances {
    opened = 0;

    override open(): ConnectionContextId {
      return { id: ++this.opened };
    }

    override async load(): Promise<Probe> {
      return new Probe();
    }
  }

  it('is compiled once per connection, never per message', async () => {
    const finder = new FixedEnhancers();
    const scopes = new Scopes();
    const endpoint = new Endpoint(
      providerOf(Probe, false),
      new PathPattern('/'),
      {} as EndpointSettings,
      finder,
      scopes,
    );
    const first = await endpoint.handlersFor(connection().context, noResponse);
    const perConnection = finder.searches;
    for (let messages = 0; messages < 3; messages++)
      (first.anyMessage as MessageHandler).invoke(connection(), 'x', 'message', PLAIN_REPLY);
    expect(finder.searches).toBe(perConnection);
    const second = await endpoint.handlersFor(connection().context, noResponse);
    expect(finder.searches).toBe(2 * perConnection);
    expect(second).not.toBe(first);
    expect(scopes.opened).toBe(2);
  });

  it('of singletons only is compiled once for all connections', () => {
    const finder = new FixedEnhancers();
    const endpoint = new Endpoint(
      providerOf(Probe),
      new PathPattern('/'),
      {} as EndpointSettings,
      finder,
      new NoScopes(),
    );
    endpoint.compile();
    const { searches } = finder;
    expect(endpoint.handlersFor(connection().context, noResponse)).toBe(
      endpoint.handlersFor(connection().context, noResponse),
    );
    expect(finder.searches).toBe(searches);
  });
});
