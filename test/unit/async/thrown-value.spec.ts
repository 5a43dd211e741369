import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { toReadable, UnreadableError } from '../../../src/websocket/async/thrown-value.js';

function failing(): never {
  throw new Error('it was looked at');
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable(new Error('revoked'), {});
  revoke();
  return proxy;
}

describe('toReadable', () => {
  it.each<[string, unknown]>([
    ['a text', 'no'],
    ['nothing', undefined],
    ['null', null],
    ['an error', new Error('no')],
    ['an HttpException', new ForbiddenException('no')],
    ['a WsException', new WsException('no')],
    ['an object', { code: 7 }],
    ['a function', failing],
    ['a promise', Promise.reject(new Error('never awaited'))],
  ])('gives %s back as it is', (_what, thrown) => {
    expect(toReadable(thrown)).toBe(thrown);
  });

  it.each<[string, unknown]>([
    ['a revoked proxy', revoked()],
    ['an object that has no text', Object.create(null)],
    ['an error whose message throws', Object.defineProperty(new Error('no'), 'message', { get: failing })],
    ['an error whose stack throws', Object.defineProperty(new Error('no'), 'stack', { get: failing })],
    ['an HttpException whose status throws', Object.assign(new HttpException('no', 400), { getStatus: failing })],
    ['a WsException whose error throws', Object.assign(new WsException('no'), { getError: failing })],
  ])('gives an UnreadableError in the place of %s', (_what, thrown) => {
    expect(toReadable(thrown)).toBeInstanceOf(UnreadableError);
  });
});
