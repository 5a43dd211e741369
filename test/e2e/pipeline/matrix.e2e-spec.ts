import { beforeAll, describe, expect, it } from '@jest/globals';
import { Scope } from '@nestjs/common';
import { traceEnhancers, type EnhancerTrace } from '../../support/enhancer-trace.js';

/*
 * One test per cell of the table in docs/reference/enhancers.md: which enhancer runs at which stage, by the place it is
 * bound at. `test/unit/pages/enhancers.spec.ts` holds the table to these rows.
 */

type Row = readonly [name: string, cell: string];

let singletons: EnhancerTrace;
let scoped: EnhancerTrace;

beforeAll(async () => {
  singletons = await traceEnhancers();
  scoped = await traceEnhancers(Scope.REQUEST);
});

describe('what runs', () => {
  it.each<Row>([
    ['a class guard runs in the handshake', 'handshake: guard class'],
    ['a method guard runs in the handshake', 'handshake: guard method'],
    ['a global guard runs in the handshake', 'handshake: guard global'],
    ['an APP_GUARD runs in the handshake', 'handshake: guard app'],
    ['a class pipe runs in the handshake', 'handshake: pipe class'],
    ['a method pipe runs in the handshake', 'handshake: pipe method'],
    ['a parameter pipe runs in the handshake', 'handshake: pipe parameter'],
    ['a global pipe runs in the handshake', 'handshake: pipe global'],
    ['an APP_PIPE runs in the handshake', 'handshake: pipe app'],
    ['a class filter runs in the handshake', 'handshake: filter class'],
    ['a method filter runs in the handshake', 'handshake: filter method'],
    ['a global filter runs in the handshake', 'handshake: filter global'],
    ['an APP_FILTER runs in the handshake', 'handshake: filter app'],

    ['a class interceptor runs around establish', 'establish: interceptor class'],
    ['a method interceptor runs around establish', 'establish: interceptor method'],
    ['a global interceptor runs around establish', 'establish: interceptor global'],
    ['an APP_INTERCEPTOR runs around establish', 'establish: interceptor app'],
    ['a class filter runs at establish', 'establish: filter class'],
    ['a method filter runs at establish', 'establish: filter method'],
    ['a global filter runs at establish', 'establish: filter global'],
    ['an APP_FILTER runs at establish', 'establish: filter app'],

    ['a class guard runs on a message', 'message: guard class'],
    ['a method guard runs on a message', 'message: guard method'],
    ['a global guard runs on a message', 'message: guard global'],
    ['an APP_GUARD runs on a message', 'message: guard app'],
    ['a class interceptor runs around a message', 'message: interceptor class'],
    ['a method interceptor runs around a message', 'message: interceptor method'],
    ['a global interceptor runs around a message', 'message: interceptor global'],
    ['an APP_INTERCEPTOR runs around a message', 'message: interceptor app'],
    ['a class pipe runs on a message', 'message: pipe class'],
    ['a method pipe runs on a message', 'message: pipe method'],
    ['a parameter pipe runs on a message', 'message: pipe parameter'],
    ['a global pipe runs on a message', 'message: pipe global'],
    ['an APP_PIPE runs on a message', 'message: pipe app'],
    ['a class filter runs for a message', 'message: filter class'],
    ['a method filter runs for a message', 'message: filter method'],
    ['a global filter runs for a message', 'message: filter global'],
    ['an APP_FILTER runs for a message', 'message: filter app'],

    ['a parameter pipe runs at finish', 'finish: pipe parameter'],
    ['a parameter pipe runs for @OnError', 'error: pipe parameter'],
  ])('%s', (_name, cell) => {
    expect(singletons.ran).toContain(cell);
  });

  it.each<Row>([
    ['a request-scoped guard runs in the handshake', 'handshake: guard'],
    ['a request-scoped pipe runs in the handshake', 'handshake: pipe'],
    ['a request-scoped filter runs in the handshake', 'handshake: filter'],
    ['a request-scoped interceptor runs around establish', 'establish: interceptor'],
    ['a request-scoped filter runs at establish', 'establish: filter'],
    ['a request-scoped guard runs on a message', 'message: guard'],
    ['a request-scoped interceptor runs around a message', 'message: interceptor'],
    ['a request-scoped pipe runs on a message', 'message: pipe'],
    ['a request-scoped filter runs for a message', 'message: filter'],
  ])('%s', (_name, cell) => {
    expect(scoped.ran).toEqual(
      expect.arrayContaining([`${cell} class`, `${cell} method`, `${cell} app`, `${cell} global`]),
    );
  });

  it.each<Row>([
    ['a request-scoped parameter pipe runs at finish', 'finish: pipe parameter'],
    ['a request-scoped parameter pipe runs for @OnError', 'error: pipe parameter'],
  ])('%s', (_name, cell) => {
    expect(scoped.ran).toContain(cell);
  });
});

describe('what does not run', () => {
  it.each<Row>([
    ['no interceptor runs in the handshake', 'handshake: interceptor'],
    ['no guard runs at establish', 'establish: guard'],
    ['no pipe runs at establish', 'establish: pipe'],
    ['no guard runs at finish', 'finish: guard'],
    ['no interceptor runs at finish', 'finish: interceptor'],
    ['no filter runs at finish', 'finish: filter'],
    ['no guard runs for @OnError', 'error: guard'],
    ['no interceptor runs for @OnError', 'error: interceptor'],
    ['no filter runs for @OnError', 'error: filter'],
  ])('%s', (_name, cell) => {
    const stage = cell.slice(0, cell.indexOf(':'));
    for (const { ran } of [singletons, scoped]) {
      expect(ran.filter((entry) => entry.startsWith(cell))).toEqual([]);
      // The stage itself was there: nothing is proven by a method that never ran.
      expect(ran).toContain(stage === 'handshake' ? 'handshake: guard method' : `${stage}: method`);
    }
  });

  it.each<Row>([
    ['no class, method or global pipe runs at finish', 'finish: pipe'],
    ['no class, method or global pipe runs for @OnError', 'error: pipe'],
  ])('%s', (_name, cell) => {
    for (const { ran } of [singletons, scoped]) {
      expect(new Set(ran.filter((entry) => entry.startsWith(cell)))).toEqual(new Set([`${cell} parameter`]));
    }
  });
});

describe('the order', () => {
  it('is guards, pipes, 101, interceptors, method for a new connection', () => {
    expect(singletons.ran.slice(0, 14)).toEqual([
      'handshake: guard app',
      'handshake: guard global',
      'handshake: guard class',
      'handshake: guard method',
      'handshake: pipe app',
      'handshake: pipe global',
      'handshake: pipe class',
      'handshake: pipe method',
      'handshake: pipe parameter',
      'establish: interceptor app',
      'establish: interceptor global',
      'establish: interceptor class',
      'establish: interceptor method',
      'establish: method',
    ]);
  });

  it('is guards, interceptors, pipes, method for a message', () => {
    const start = singletons.ran.findIndex((entry) => entry.startsWith('message:'));
    expect(singletons.ran.slice(start, start + 15)).toEqual([
      'message: guard app',
      'message: guard global',
      'message: guard class',
      'message: guard method',
      'message: interceptor app',
      'message: interceptor global',
      'message: interceptor class',
      'message: interceptor method',
      'message: pipe app',
      'message: pipe global',
      'message: pipe class',
      'message: pipe method',
      'message: pipe parameter',
      'message: method',
      'message: answered {"event":"say","data":"said"}',
    ]);
  });

  it.each([
    ['the method', 'method'],
    ['the class', 'class'],
    ['the application', 'global'],
    ['APP_FILTER', 'app'],
  ])('lets the filter of %s answer a handshake and a message', (_where, level) => {
    for (const { ran } of [singletons, scoped]) {
      expect(ran).toContain(`handshake: answered filtered by ${level}`);
      expect(ran).toContain(`message: answered {"event":"say","data":"filtered by ${level}"}`);
    }
  });
});
