import { beforeAll, describe, expect, it } from '@jest/globals';
import { Scope } from '@nestjs/common';
import { tracePartEnhancers, type EnhancerTrace } from '../../support/enhancer-trace.js';

/*
 * One test per cell of the table of parts in docs/reference/enhancers.md: which enhancer runs at which stage of a part, by the
 * place it is bound at. `test/unit/pages/enhancers.spec.ts` holds the table to these rows.
 */

type Row = readonly [name: string, cell: string];

let singletons: EnhancerTrace;
let scoped: EnhancerTrace;

beforeAll(async () => {
  singletons = await tracePartEnhancers();
  scoped = await tracePartEnhancers(Scope.REQUEST);
});

describe('what runs for a part', () => {
  it.each<Row>([
    ['a guard of the part runs in the handshake', 'handshake: guard part'],
    ['a guard of the method runs in the handshake', 'handshake: guard method'],
    ['an APP_PIPE runs in the handshake', 'handshake: pipe app'],
    ['a global pipe runs in the handshake', 'handshake: pipe global'],
    ['a pipe of the endpoint runs in the handshake', 'handshake: pipe endpoint'],
    ['a pipe of the part runs in the handshake', 'handshake: pipe part'],
    ['a pipe of the method runs in the handshake', 'handshake: pipe method'],
    ['a pipe of the parameter runs in the handshake', 'handshake: pipe parameter'],
    ['an APP_FILTER runs in the handshake', 'handshake: filter app'],
    ['a global filter runs in the handshake', 'handshake: filter global'],
    ['a filter of the endpoint runs in the handshake', 'handshake: filter endpoint'],
    ['a filter of the part runs in the handshake', 'handshake: filter part'],
    ['a filter of the method runs in the handshake', 'handshake: filter method'],

    ['an APP_INTERCEPTOR runs around establish', 'establish: interceptor app'],
    ['a global interceptor runs around establish', 'establish: interceptor global'],
    ['an interceptor of the endpoint runs around establish', 'establish: interceptor endpoint'],
    ['an interceptor of the part runs around establish', 'establish: interceptor part'],
    ['an interceptor of the method runs around establish', 'establish: interceptor method'],
    ['an APP_FILTER runs at establish', 'establish: filter app'],
    ['a global filter runs at establish', 'establish: filter global'],
    ['a filter of the endpoint runs at establish', 'establish: filter endpoint'],
    ['a filter of the part runs at establish', 'establish: filter part'],
    ['a filter of the method runs at establish', 'establish: filter method'],

    ['an APP_GUARD runs on a message', 'message: guard app'],
    ['a global guard runs on a message', 'message: guard global'],
    ['a guard of the endpoint runs on a message', 'message: guard endpoint'],
    ['a guard of the part runs on a message', 'message: guard part'],
    ['a guard of the method runs on a message', 'message: guard method'],
    ['an APP_INTERCEPTOR runs around a message', 'message: interceptor app'],
    ['a global interceptor runs around a message', 'message: interceptor global'],
    ['an interceptor of the endpoint runs around a message', 'message: interceptor endpoint'],
    ['an interceptor of the part runs around a message', 'message: interceptor part'],
    ['an interceptor of the method runs around a message', 'message: interceptor method'],
    ['an APP_PIPE runs on a message', 'message: pipe app'],
    ['a global pipe runs on a message', 'message: pipe global'],
    ['a pipe of the endpoint runs on a message', 'message: pipe endpoint'],
    ['a pipe of the part runs on a message', 'message: pipe part'],
    ['a pipe of the method runs on a message', 'message: pipe method'],
    ['a pipe of the parameter runs on a message', 'message: pipe parameter'],
    ['an APP_FILTER runs for a message', 'message: filter app'],
    ['a global filter runs for a message', 'message: filter global'],
    ['a filter of the endpoint runs for a message', 'message: filter endpoint'],
    ['a filter of the part runs for a message', 'message: filter part'],
    ['a filter of the method runs for a message', 'message: filter method'],

    ['a pipe of the parameter runs at finish', 'finish: pipe parameter'],
    ['a pipe of the parameter runs for @OnError', 'error: pipe parameter'],
  ])('%s, as a singleton and of request scope', (_name, cell) => {
    for (const { ran } of [singletons, scoped]) expect(ran).toContain(cell);
  });
});

describe('what does not run for a part', () => {
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

  it('no guard of the application or of the endpoint runs a second time for the handshake of a part', () => {
    for (const { ran } of [singletons, scoped]) {
      const guards = ran.filter((entry) => entry.startsWith('handshake: guard'));
      // Those of request scope come after the other global ones, as in Nest.
      expect(guards.slice(0, 5).toSorted()).toEqual([
        'handshake: guard app, for the endpoint',
        'handshake: guard endpoint, for the endpoint',
        'handshake: guard global, for the endpoint',
        'handshake: guard method',
        'handshake: guard part',
      ]);
      expect(new Set(guards).size).toBe(5);
    }
  });
});

describe('the order for a part', () => {
  it('is that of the endpoint, the class of the endpoint before that of the part', () => {
    expect(singletons.ran.slice(0, 17)).toEqual([
      'handshake: guard app, for the endpoint',
      'handshake: guard global, for the endpoint',
      'handshake: guard endpoint, for the endpoint',
      'handshake: guard part',
      'handshake: guard method',
      'handshake: pipe app',
      'handshake: pipe global',
      'handshake: pipe endpoint',
      'handshake: pipe part',
      'handshake: pipe method',
      'handshake: pipe parameter',
      'establish: interceptor app',
      'establish: interceptor global',
      'establish: interceptor endpoint',
      'establish: interceptor part',
      'establish: interceptor method',
      'establish: method',
    ]);
    const start = singletons.ran.findIndex((entry) => entry.startsWith('message:'));
    expect(singletons.ran.slice(start, start + 18)).toEqual([
      ...['app', 'global', 'endpoint', 'part', 'method'].map((place) => `message: guard ${place}`),
      ...['app', 'global', 'endpoint', 'part', 'method'].map((place) => `message: interceptor ${place}`),
      ...['app', 'global', 'endpoint', 'part', 'method', 'parameter'].map((place) => `message: pipe ${place}`),
      'message: method',
      'message: answered {"event":"say","data":"said"}',
    ]);
  });

  it.each([
    ['the method', 'method'],
    ['the part', 'part'],
    ['the endpoint', 'endpoint'],
    ['the application', 'global'],
    ['APP_FILTER', 'app'],
  ])('lets the filter of %s answer a handshake and a message', (_where, level) => {
    for (const { ran } of [singletons, scoped]) {
      expect(ran).toContain(`handshake: answered filtered by ${level}`);
      expect(ran).toContain(`message: answered {"event":"say","data":"filtered by ${level}"}`);
    }
  });
});
