import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ConfigurationError } from '../../../src/websocket/errors/plack-websocket.error.js';
import { checkOptions, type OptionsPlace } from '../../../src/websocket/rules/check-options.js';
import {
  anyOf,
  between,
  callable,
  choice,
  count,
  flag,
  group,
  listOf,
  onlyOnModule,
  openGroup,
  text,
  time,
  timeOrNone,
  warning,
  wsLimit,
  type GroupRule,
  type OptionRule,
} from '../../../src/websocket/rules/option-rule.js';

const PLACE: OptionsPlace = { name: '@WsEndpoint of Room' };

/** The message about one option `it` with that rule; empty when the value is taken. */
function complaint(rule: OptionRule, value: unknown): string {
  return complaintOf({ it: value }, group({ it: rule }));
}

function complaintOf(given: unknown, rule: GroupRule, place: OptionsPlace = PLACE): string {
  try {
    checkOptions(given, rule, place);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
}

describe('a wrong value', () => {
  it.each<[string, OptionRule, unknown, string]>([
    ['a choice', choice('close', 'drop'), 'block', `must be 'close' or 'drop', not "block"`],
    ['a choice of more', choice('a', 'b', 'c'), 1, `must be 'a', 'b', or 'c', not 1`],
    ['a flag', flag, 'yes', 'must be true or false, not "yes"'],
    ['a text', text('an address'), null, 'must be an address, not null'],
    ['a function', callable('a class'), {}, 'must be a function or a class, not {}'],
    ['a count', count('messages'), 0, 'must be a whole number of messages, at least 1, not 0'],
    ['a count, in parts', count('messages'), 0.5, 'must be a whole number of messages, at least 1, not 0.5'],
    ['a count, as text', count('hops', 0), '1', 'must be a whole number of hops, at least 0, not "1"'],
    ['a level', between(1, 9), 10, 'must be a whole number between 1 and 9, not 10'],
    ['a list', listOf('a list of names', text()), 'v1', 'must be a list of names, not "v1"'],
    ['an object', group({ a: flag, b: flag }), [], 'must be an object with any of a, b, not []'],
    ['one of many', anyOf(flag, group({ a: flag })), 5, 'must be true, false, or an object with any of a, not 5'],
  ])('for %s is named with what was expected', (_what, rule, value, expected) => {
    expect(complaint(rule, value)).toBe(`@WsEndpoint of Room: it ${expected}.`);
  });

  it.each<[string, OptionRule, readonly number[], readonly number[]]>([
    ['a limit that ws counts', wsLimit('bytes'), [0, 1, 2 ** 31 - 1], [-1, 0.5, 2 ** 31, 2 ** 32, Infinity, NaN]],
    ['a time', time(1), [1, 2 ** 31 - 1], [0, -1, 1.5, 2 ** 31, Infinity, NaN]],
    ['a time that a timer exceeds by half', time(0, 1.5), [0, 1_431_655_764], [-1, 1_431_655_765]],
    ['a time that may be none', timeOrNone(), [0, 1, 2 ** 31 - 1], [-1, 0.5, 2 ** 31]],
    ['a count', count('connections'), [1, 2 ** 53], [0, -1, 1.5, Infinity, NaN]],
  ])('is any number out of the range of %s', (_what, rule, taken, refused) => {
    expect(taken.filter((number) => complaint(rule, number) !== '')).toEqual([]);
    expect(refused.filter((number) => complaint(rule, number) === '')).toEqual([]);
  });

  it('says what 0 stands for where it is taken', () => {
    expect(complaint(wsLimit('bytes'), 2 ** 32)).toBe(
      '@WsEndpoint of Room: it must be 0 (no limit) or a whole number of bytes between 1 and 2147483647, not 4294967296.',
    );
  });

  it('is named with its path, however deep it stands', () => {
    const rule = group({ a: anyOf(choice(false), group({ b: listOf('a list', group({ c: count('bytes') })) })) });
    expect(complaintOf({ a: { b: [{ c: 1 }, { c: -1 }] } }, rule)).toBe(
      '@WsEndpoint of Room: a.b[1].c must be a whole number of bytes, at least 1, not -1.',
    );
    expect(complaintOf({ a: { b: [{ d: 1 }] } }, rule)).toContain('does not know the option "a.b[0].d"');
  });

  it('is the first of several forms that has its shape', () => {
    const rule = anyOf(flag, count('hops', 0), listOf('a list of names', text('a name')));
    expect(complaint(rule, -1)).toContain('it must be a whole number of hops, at least 0, not -1.');
    expect(complaint(rule, ['a', 1])).toContain('it[1] must be a name, not 1.');
  });

  it.each<[string, unknown, string]>([
    ['NaN', Number.NaN, 'NaN'],
    ['a big integer', 1n, '1n'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a pattern', /a/i, '/a/i'],
    ['a function', function named() {}, 'the function named'],
    [
      'a function without a name',
      (
        () => () =>
          undefined
      )(),
      'a function without a name',
    ],
    ['two lines', 'a\nb', '"a\\nb"'],
    ['a long text', 'x'.repeat(1_000), `"${'x'.repeat(99)}…`],
    ['a value that throws when it is looked at', throwing(), 'a value that cannot be shown'],
  ])('is shown in one short line: %s', (_what, value, shown) => {
    expect(complaint(choice('a'), value)).toBe(`@WsEndpoint of Room: it must be 'a', not ${shown}.`);
  });

  it('is anything but an object where options are expected', () => {
    for (const nothing of [null, 'path', 5, [], undefined]) {
      expect(complaintOf(nothing, group({ a: flag }))).toContain('takes an object of options, not ');
    }
  });
});

describe('a name that does not exist', () => {
  const rule = group({
    path: text(),
    limits: group({ maxPayloadBytes: count('bytes'), maxFragments: count('frames'), overflow: choice('close') }),
  });

  it('is named with the nearest one first and every other one once', () => {
    expect(complaintOf({ limits: { maxPayloadByte: 1 } }, rule)).toBe(
      '@WsEndpoint of Room does not know the option "limits.maxPayloadByte". Did you mean limits.maxPayloadBytes? ' +
        'The others are: maxFragments, overflow.',
    );
  });

  it('is named with all that exist when none is near', () => {
    expect(complaintOf({ room: 'a' }, rule)).toBe(
      '@WsEndpoint of Room does not know the option "room". Known are: path, limits.',
    );
  });

  it('is named with the group that it stands in', () => {
    expect(complaintOf({ overflow: 'close' }, rule)).toBe(
      '@WsEndpoint of Room does not know the option "overflow". Did you mean limits.overflow?',
    );
  });

  it('is no name that every object inherits', () => {
    expect(complaintOf({ constructor: 1 }, rule)).toContain('does not know the option "constructor"');
    expect(complaintOf({ limits: { toString: 1 } }, rule)).toContain('does not know the option "limits.toString"');
  });

  it('is left to others in an open group', () => {
    const open = openGroup({ path: text() });
    expect(complaintOf({ cors: true }, open)).toBe('');
    expect(complaintOf({ cors: true, path: 5 }, open)).toContain('path must be a string, not 5.');
  });
});

describe('a place', () => {
  const rule = group({ path: text(), limits: group({ all: onlyOnModule(count('bytes')) }) });
  const endpoint = { ...PLACE, module: { name: 'the module', options: { path: text(), trust: flag } } };

  it('of an endpoint refuses what counts beyond it, and says where it belongs', () => {
    expect(complaintOf({ limits: { all: 1 } }, rule, endpoint)).toBe(
      '@WsEndpoint of Room: limits.all counts for all endpoints together. Set it in the module.',
    );
    expect(complaintOf({ trust: true }, rule, endpoint)).toBe(
      '@WsEndpoint of Room does not know the option "trust". It belongs to the module: set it in the module.',
    );
  });

  it('of the module takes it', () => {
    expect(complaintOf({ limits: { all: 1 } }, rule)).toBe('');
  });
});

it('undefined stands for the default everywhere but where a name is required', () => {
  const rule = group({ a: flag, b: group({ c: flag }), d: group({ replace: callable() }, ['replace']) });
  expect(complaintOf({ a: undefined, b: { c: undefined }, d: undefined }, rule)).toBe('');
  expect(complaintOf({ d: {} }, rule)).toContain('d.replace must be a function, not undefined.');
  expect(complaintOf({ d: 5 }, rule)).toContain('d must be an object with replace, not 5.');
});

it('what is dangerous and taken comes back as a warning with its path', () => {
  const dangerous = warning(text(), (value) => (value === '*' ? 'lets everything in.' : undefined));
  const rule = group({ a: listOf('a list', dangerous), b: anyOf(flag, dangerous) });
  expect(checkOptions({ a: ['x', '*'], b: '*' }, rule, PLACE)).toEqual([
    '@WsEndpoint of Room: a[1] lets everything in.',
    '@WsEndpoint of Room: b lets everything in.',
  ]);
});

it('whatever comes is taken or refused with a ConfigurationError of one line', () => {
  const rule = group({
    a: anyOf(flag, count('hops', 0), listOf('a list', text()), callable()),
    b: group({ c: wsLimit('bytes'), d: choice('x') }),
  });
  const values = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', '__proto__'), fc.anything(), { maxKeys: 4 });
  fc.assert(
    fc.property(fc.oneof(fc.anything(), values, fc.record({ b: values })), (given) => {
      expect(complaintOf(given, rule)).not.toContain('\n');
    }),
  );
});

function throwing(): object {
  return new Proxy(
    {},
    {
      get: () => {
        throw new Error('looked at');
      },
    },
  );
}
