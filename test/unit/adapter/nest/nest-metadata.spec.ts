import { describe, expect, it } from '@jest/globals';
import * as common from '@nestjs/common';
import {
  Body,
  createParamDecorator,
  Headers,
  Injectable,
  Ip,
  Module,
  Param,
  Query,
  Scope,
  Session,
  type CanActivate,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, DiscoveryModule, DiscoveryService, ModulesContainer, NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { z } from 'zod';
import { findGateways } from '../../../../src/websocket/adapter/nest/gateway-discovery.js';
import { assertNestMetadata } from '../../../../src/websocket/adapter/nest/metadata-check.js';
import {
  HANDSHAKE_RESULT_PARAMETER,
  NEST_CUSTOM_ARGUMENT,
  NEST_ENTRY_PROVIDER,
  NEST_GATEWAY,
  NEST_PARAMETER_TYPES,
  NEST_ROUTE_ARGUMENTS,
  NEST_SUBSCRIBED,
  NEST_SUBSCRIBED_EVENT,
  NestParameter,
} from '../../../../src/websocket/endpoint/definition/metadata-keys.js';
import { describeNest, nestHas } from '../../../support/nest-features.js';

/*
 * What the decorators of Nest leave behind, as endpoint/metadata-keys.ts and endpoint/parameters.ts read it. A test that
 * fails here names what a new version of Nest has moved.
 */

class UpperCase {
  transform(value: string): string {
    return value.toUpperCase();
  }
}

const NUMBERED: Readonly<Record<string, () => ParameterDecorator>> = {
  '@Body': Body,
  '@Query': Query,
  '@Param': Param,
  '@Headers': Headers,
  '@Session': Session,
  '@Ip': Ip,
  ...(nestHas('cookies') && { '@Cookies': common.Cookies }),
};

const schema = z.string();
const factory = (): undefined => undefined;
const Custom = createParamDecorator(factory);

/** What a parameter decorator leaves on a method of its own. */
function leftBy(decorator: ParameterDecorator): { key: string; entry: unknown } {
  class Decorated {
    run(_value: unknown): void {}
  }
  decorator(Decorated.prototype, 'run', 0);
  const metadata = Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, Decorated, 'run') as Record<string, unknown> | undefined;
  const [[key, entry] = ['nothing', undefined]] = Object.entries(metadata ?? {});
  return { key, entry };
}

describe('a parameter decorator of Nest', () => {
  it.each<[string, ParameterDecorator, number]>([
    ['@ConnectedSocket', ConnectedSocket(), NestParameter.connectedSocket],
    ['@MessageBody', MessageBody(), NestParameter.messageBody],
    ['@Body', Body(), NestParameter.messageBody],
    ['@Query', Query(), NestParameter.query],
    ['@Param', Param(), NestParameter.param],
    ['@Headers', Headers(), NestParameter.headers],
    ['@Session', Session(), NestParameter.session],
    ['@Ip', Ip(), NestParameter.ip],
  ])('%s leaves its number and the index of the parameter', (_name, decorator, number) => {
    const { key, entry } = leftBy(decorator);
    expect(key).toBe(`${number}:0`);
    expect(entry).toMatchObject({ index: 0, pipes: [] });
  });

  it.each<[string, ParameterDecorator, unknown]>([
    ['the property', Query('page'), { data: 'page' }],
    ['pipes', Query('page', UpperCase), { data: 'page', pipes: [UpperCase] }],
    ['pipes of @MessageBody', MessageBody('text', UpperCase), { data: 'text', pipes: [UpperCase] }],
  ])('leaves %s', (_what, decorator, entry) => {
    expect(leftBy(decorator).entry).toMatchObject(Object(entry));
  });

  describeNest('cookies', () => {
    it('@Cookies leaves its number and the index of the parameter', () => {
      const { key, entry } = leftBy(common.Cookies());
      expect(key).toBe(`${NestParameter.cookies}:0`);
      expect(entry).toMatchObject({ index: 0, pipes: [] });
    });
  });

  describeNest('schema', () => {
    it.each([
      ['Query', Query],
      ['MessageBody', MessageBody],
    ])('@%s leaves a schema', (_name, decorator) => {
      expect(leftBy(decorator({ schema })).entry).toMatchObject({ schema });
    });
  });

  it('made by createParamDecorator leaves its factory, data and pipes under a key that says so', () => {
    const { key, entry } = leftBy(Custom('data', UpperCase));
    expect(key).toContain(NEST_CUSTOM_ARGUMENT);
    expect(entry).toMatchObject({ index: 0, factory, data: 'data', pipes: [UpperCase] });
  });

  it.each(Object.keys(NUMBERED))('%s has a number below the one of @HandshakeResult', (name) => {
    const { key } = leftBy(NUMBERED[name]?.() ?? Body());
    expect(Number.parseInt(key, 10)).toBeLessThan(HANDSHAKE_RESULT_PARAMETER);
  });
});

it("NEST_PARAMETER_TYPES is where TypeScript's metadata stands", () => {
  class Typed {
    run(@Body() _a: string, _b: Date): void {}
  }
  expect(Reflect.getMetadata(NEST_PARAMETER_TYPES, Typed.prototype, 'run')).toEqual([String, Date]);
});

it('findGateways reads what @WebSocketGateway is given', async () => {
  @WebSocketGateway(81, { path: '/stock' })
  class Gateway {}
  @Module({ providers: [Gateway, UpperCase] })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const found = findGateways(app.get(ModulesContainer));
  const [gateway] = found;
  expect(found).toHaveLength(1);
  expect({ ...gateway, wrapper: undefined }).toMatchObject({
    metatype: Gateway,
    instance: app.get(Gateway),
    isScoped: false,
    port: 81,
    path: '/stock',
    options: { path: '/stock' },
  });
  await app.close();
});

it('@SubscribeMessage and @WebSocketGateway leave what the search for forgotten ones reads', () => {
  @WebSocketGateway()
  class Gateway {
    @SubscribeMessage('say')
    say(): void {}
  }
  const { say } = Gateway.prototype;
  expect(Reflect.hasMetadata(NEST_GATEWAY, Gateway)).toBe(true);
  expect(Reflect.hasMetadata(NEST_SUBSCRIBED, say)).toBe(true);
  expect(Reflect.getMetadata(NEST_SUBSCRIBED_EVENT, say)).toBe('say');
});

describe('ENTRY_PROVIDER_WATERMARK', () => {
  @Injectable({ scope: Scope.REQUEST })
  class Guard implements CanActivate {
    canActivate(): boolean {
      return true;
    }
  }

  async function isStatic(provider: Type): Promise<boolean | undefined> {
    @Module({
      imports: [DiscoveryModule],
      providers: [provider, { provide: APP_GUARD, useClass: Guard, scope: Scope.REQUEST }],
    })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    const wrapper = app
      .get(DiscoveryService)
      .getProviders()
      .find(({ metatype }) => metatype === provider);
    await app.close();
    return wrapper?.isDependencyTreeStatic();
  }

  it('lets a global guard of request scope reach a provider', async () => {
    @Injectable()
    class Plain {}
    @Injectable()
    class Marked {}
    Reflect.defineMetadata(NEST_ENTRY_PROVIDER, true, Marked);
    expect([await isStatic(Plain), await isStatic(Marked)]).toEqual([true, false]);
  });
});

describe('assertNestMetadata', () => {
  it('agrees with the installed Nest', () => {
    expect(() => assertNestMetadata()).not.toThrow();
  });

  it.each(Object.keys(NUMBERED))('names %s when its number has changed, and the way out', (name) => {
    const moved: ParameterDecorator = (target, method) =>
      Reflect.defineMetadata(NEST_ROUTE_ARGUMENTS, { '99:0': {} }, (target as object).constructor, method ?? '');
    expect(() => assertNestMetadata({ [`${name}()`]: moved })).toThrow(
      new RegExp(
        `^${name}\\(\\) of the installed Nest leaves "99:0" where this library reads "\\d+:0".*package\\.json`,
      ),
    );
  });

  it('names createParamDecorator when its key has changed', () => {
    const moved: ParameterDecorator = () => undefined;
    expect(() => assertNestMetadata({ 'createParamDecorator()': moved })).toThrow(
      'createParamDecorator() of the installed Nest leaves "" where this library reads "__customRouteArgs__"',
    );
  });
});
