import { ForbiddenException, HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { NEVER, Observable, of, throwError } from 'rxjs';

/** Text that no peer may ever read. */
export const SECRET = 'a detail for the log alone';

function fail(): never {
  throw new Error(SECRET);
}

/** An object on which one member throws when it is read. */
function throwingMember<T extends object>(target: T, name: PropertyKey): T {
  return Object.defineProperty(target, name, { get: fail, configurable: true });
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A proxy that throws whatever is done to it. */
function trapped(target: object): object {
  return new Proxy(target, new Proxy({}, { get: () => fail }));
}

function cycle(): object {
  const value: Record<string, unknown> = { event: 'cycle' };
  value['data'] = value;
  return value;
}

function ownCause(): Error {
  const error = new Error(SECRET);
  error.cause = error;
  return error;
}

/** Whatever code of an application may throw, reject with, return or resolve to. */
export const VALUES = {
  undefined: () => undefined,
  null: () => null,
  zero: () => 0,
  'not a number': () => Number.NaN,
  'a BigInt': () => 10n,
  'a symbol': () => Symbol(SECRET),
  'an empty text': () => '',
  'a text': () => 'some text',
  'a text of an HTTP answer': () => 'HTTP/1.1 200 OK\r\n\r\n',
  true: () => true,
  false: () => false,
  'a function': () => fail,
  'a class': () => class Some {},
  'a list': () => [1, [2]],
  'a list with a hole': () => new Array<unknown>(3),
  'an object': () => ({ some: 'thing' }),
  'an object without a prototype': () => Object.create(null) as object,
  'a frozen object': () => Object.freeze({ event: 'frozen', data: 1 }),
  'an object with a status': () => ({ status: 418, headers: { 'x-a': 'b' }, body: 'tea' }),
  'an object with a wrong status': () => ({ status: 200, headers: { 'bad name': 'b\r\nc: d' }, body: 10n }),
  'a cycle': cycle,
  'a wrong date': () => new Date(Number.NaN),
  'a map': () => new Map([[1, 2]]),
  bytes: () => Buffer.from('bytes'),
  'an error': () => new Error(SECRET),
  'an error that is its own cause': ownCause,
  'many errors': () => new AggregateError([new Error(SECRET), undefined, revoked()], SECRET),
  'an abort': () => new DOMException(SECRET, 'AbortError'),
  'an HttpException': () => new ForbiddenException('no entry'),
  'an HttpException of a wrong status': () => new HttpException('odd', 7),
  'an HttpException with a BigInt': () => new HttpException({ message: 10n } as never, 400),
  'an HttpException without a response': () => new HttpException(undefined as never, 400),
  'a WsException': () => new WsException('odd'),
  'an Observable': () => of(1, 2),
  'an Observable without items': () => new Observable((subscriber) => subscriber.complete()),
  'an Observable that fails': () => throwError(() => new Error(SECRET)),
  'an Observable that fails to be subscribed to': () => new Observable(fail),
  'an endless Observable': () => NEVER,
  'an async iterable that fails': () => ({ [Symbol.asyncIterator]: () => ({ next: async () => fail() }) }),
  'an async iterable that fails to begin': () => ({ [Symbol.asyncIterator]: fail }),
  'an HttpException whose status throws': () =>
    Object.defineProperty(new ForbiddenException(), 'getStatus', { value: fail }),
  'an HttpException whose response throws': () =>
    Object.defineProperty(new ForbiddenException(), 'getResponse', { value: fail }),
  'a WsException whose error throws': () => Object.defineProperty(new WsException('odd'), 'getError', { value: fail }),
  'an error whose message throws': () => throwingMember(new Error(SECRET), 'message'),
  'an error whose message is a symbol': () => Object.assign(new Error(SECRET), { message: Symbol(SECRET) }),
  'an error whose stack throws': () => throwingMember(new Error(SECRET), 'stack'),
  'an error whose name throws': () => throwingMember(new Error(SECRET), 'name'),
  'an error whose cause throws': () => throwingMember(new Error(SECRET), 'cause'),
  'an error whose status throws': () => throwingMember(new Error(SECRET), 'status'),
  'an object whose text throws': () => ({ toString: fail }),
  'an object whose every member throws': () =>
    ['then', 'status', 'event', 'data', 'id', 'message', 'length'].reduce(throwingMember, {}),
  // oxlint-disable-next-line unicorn/no-thenable -- to be one is the point
  'an object whose then throws when called': () => ({ then: fail }),
  'a revoked proxy': revoked,
  'a proxy that throws': () => trapped({}),
  'a proxy of an error that throws': () => trapped(new Error(SECRET)),
} satisfies Readonly<Record<string, () => unknown>>;

export type ValueName = keyof typeof VALUES;

/** How a value comes out of a callback. */
export const WAYS = ['throw', 'reject', 'return', 'resolve', 'reject late'] as const;

export type Way = (typeof WAYS)[number];

/** Lets a value out. */
export function letOut(way: Way, name: ValueName): unknown {
  const value: unknown = VALUES[name]();
  switch (way) {
    case 'throw':
      throw value;
    case 'reject':
      return Promise.reject(value);
    case 'return':
      return value;
    case 'resolve':
      return new Promise((resolve) => setImmediate(resolve, value));
    case 'reject late':
      return new Promise((_resolve, reject) => setImmediate(reject, value));
  }
}
