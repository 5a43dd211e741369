import { expect, it } from '@jest/globals';
import { Controller, type ArgumentsHost, type Type } from '@nestjs/common';
import { WebSocketGateway } from '@nestjs/websockets';
import { isPlackContext } from '../../../src/websocket/endpoint/is-plack-context.js';
import { OnEstablish } from '../../../src/websocket/endpoint/handler.decorators.js';
import { WsEndpoint } from '../../../src/websocket/endpoint/ws-endpoint.decorator.js';
import { EndpointExecutionContext } from '../../../src/websocket/adapter/nest/execution-context.js';

@WsEndpoint('probe')
class Probe {
  @OnEstablish()
  enter(): void {}
}

class WithoutDecorator extends Probe {}

@Controller()
class Page {}

@WebSocketGateway()
class Gateway {}

it.each<[string, Type, boolean]>([
  ['an endpoint', Probe, true],
  ['a subclass that inherits the decorator', WithoutDecorator, true],
  ['a controller', Page, false],
  ['a stock gateway', Gateway, false],
])('tells of %s whether it is an endpoint', (_what, metatype, expected) => {
  expect(isPlackContext(new EndpointExecutionContext('ws', [], metatype, () => undefined))).toBe(expected);
});

it('takes a host without a class for none of ours', () => {
  expect(isPlackContext({ getType: () => 'http' } as unknown as ArgumentsHost)).toBe(false);
  expect(isPlackContext(new EndpointExecutionContext('ws', [], null as never, () => undefined))).toBe(false);
});
