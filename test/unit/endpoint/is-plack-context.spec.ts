import { expect, it } from '@jest/globals';
import { Controller, type ArgumentsHost, type Type } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/internal';
import { WebSocketGateway } from '@nestjs/websockets';
import { isPlackContext, WsEndpoint } from '../../../src/index.js';

@WsEndpoint('probe')
class Probe {}

class WithoutDecorator extends Probe {}

@Controller()
class Page {}

@WebSocketGateway()
class Gateway {}

it.each<[string, Type, boolean]>([
  ['an endpoint', Probe, true],
  ['a subclass that is no endpoint by itself', WithoutDecorator, false],
  ['a controller', Page, false],
  ['a stock gateway', Gateway, false],
])('tells of %s whether it is an endpoint', (_what, metatype, expected) => {
  expect(isPlackContext(new ExecutionContextHost([], metatype))).toBe(expected);
});

it('takes a host without a class for none of ours', () => {
  expect(isPlackContext({ getType: () => 'http' } as unknown as ArgumentsHost)).toBe(false);
  expect(isPlackContext(new ExecutionContextHost([]))).toBe(false);
});
