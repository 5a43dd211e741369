import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Body,
  Cookies,
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
import * as common from '@nestjs/common/internal';
import { APP_GUARD, DiscoveryModule, DiscoveryService, NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody, WebSocketGateway } from '@nestjs/websockets';
import { GATEWAY_METADATA, GATEWAY_OPTIONS, PORT_METADATA } from '@nestjs/websockets/internal';
import { z } from 'zod';
import { assertNestMetadata } from '../../../src/websocket/adapter/nest-internals.js';
import {
  HANDSHAKE_RESULT_PARAMETER,
  NEST_CUSTOM_ARGUMENT,
  NEST_ENTRY_PROVIDER,
  NEST_PARAMETER_TYPES,
  NEST_ROUTE_ARGUMENTS,
  NestParameter,
} from '../../../src/websocket/endpoint/metadata-keys.js';

/*
 * What the decorators of Nest leave behind, as endpoint/metadata-keys.ts and endpoint/parameters.ts read it. A test that
 * fails here names what a new version of Nest has moved.
 */

class UpperCase {
  transform(value: string): string {
    return value.toUpperCase();
  }
}

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
    ['@Cookies', Cookies(), NestParameter.cookies],
  ])('%s leaves its number and the index of the parameter', (_name, decorator, number) => {
    const { key, entry } = leftBy(decorator);
    expect(key).toBe(`${number}:0`);
    expect(entry).toMatchObject({ index: 0, pipes: [] });
  });

  it.each<[string, ParameterDecorator, unknown]>([
    ['the property', Query('page'), { data: 'page' }],
    ['pipes', Query('page', UpperCase), { data: 'page', pipes: [UpperCase] }],
    ['a schema', Query({ schema }), { schema }],
    ['pipes of @MessageBody', MessageBody('text', UpperCase), { data: 'text', pipes: [UpperCase] }],
    ['a schema of @MessageBody', MessageBody({ schema }), { schema }],
  ])('leaves %s', (_what, decorator, entry) => {
    expect(leftBy(decorator).entry).toMatchObject(Object(entry));
  });

  it('made by createParamDecorator leaves its factory, data and pipes under a key that says so', () => {
    const { key, entry } = leftBy(Custom('data', UpperCase));
    expect(key).toContain(NEST_CUSTOM_ARGUMENT);
    expect(entry).toMatchObject({ index: 0, factory, data: 'data', pipes: [UpperCase] });
  });

  it('has a number below the one of @HandshakeResult', () => {
    const numbers = Object.values(common.RouteParamtypes).filter((value) => typeof value === 'number');
    expect(Math.max(...numbers)).toBeLessThan(HANDSHAKE_RESULT_PARAMETER);
  });
});

it("NEST_PARAMETER_TYPES is where TypeScript's metadata stands", () => {
  class Typed {
    run(@Body() _a: string, _b: Date): void {}
  }
  expect(Reflect.getMetadata(NEST_PARAMETER_TYPES, Typed.prototype, 'run')).toEqual([String, Date]);
});

it.each<[string, string, unknown]>([
  ['GATEWAY_METADATA', GATEWAY_METADATA, true],
  ['PORT_METADATA', PORT_METADATA, 81],
  ['GATEWAY_OPTIONS', GATEWAY_OPTIONS, { path: '/stock' }],
])('%s is where @WebSocketGateway leaves what it is given', (_name, key, value) => {
  @WebSocketGateway(81, { path: '/stock' })
  class Gateway {}
  expect(Reflect.getMetadata(key, Gateway)).toEqual(value);
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
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('agrees with the installed Nest', () => {
    expect(() => assertNestMetadata()).not.toThrow();
  });

  it.each(['BODY', 'QUERY', 'PARAM', 'HEADERS', 'SESSION', 'IP', 'COOKIES'] as const)(
    'names RouteParamtypes.%s when its number has changed, and the way out',
    (name) => {
      jest.replaceProperty(common.RouteParamtypes, name, 99 as never);
      expect(() => assertNestMetadata()).toThrow(
        new RegExp(`RouteParamtypes\\.${name} = 99, this library was built for \\d+.*package\\.json`),
      );
    },
  );

  it.each<[string, string, string]>([
    ['ROUTE_ARGS_METADATA', NEST_ROUTE_ARGUMENTS, common.ROUTE_ARGS_METADATA],
    ['CUSTOM_ROUTE_ARGS_METADATA', NEST_CUSTOM_ARGUMENT, common.CUSTOM_ROUTE_ARGS_METADATA],
    ['ENTRY_PROVIDER_WATERMARK', NEST_ENTRY_PROVIDER, common.ENTRY_PROVIDER_WATERMARK],
    ['PARAMTYPES_METADATA', NEST_PARAMETER_TYPES, common.PARAMTYPES_METADATA],
  ])('compares %s', (_name, ours, nests) => {
    expect(ours).toBe(nests);
  });
});
