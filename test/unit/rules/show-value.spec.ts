import { describe, expect, it } from '@jest/globals';
import { show } from '../../../src/websocket/rules/show-value.js';

function named(): void {}

const circular: { self?: unknown } = {};
circular.self = circular;

describe('a value in a message about it', () => {
  it.each<[unknown, string]>([
    ['a text', '"a text"'],
    [1.5, '1.5'],
    [Number.NaN, 'NaN'],
    [7n, '7n'],
    [undefined, 'undefined'],
    [null, 'null'],
    [Symbol('sign'), 'Symbol(sign)'],
    [/^a$/i, '/^a$/i'],
    [{ max: 1 }, '{"max":1}'],
    [named, 'the function named'],
    [
      (
        () => () =>
          undefined
      )(),
      'a function without a name',
    ],
    [{ toJSON: () => undefined }, 'an object'],
    [circular, 'a value that cannot be shown'],
  ])('%p is shown as %s', (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it('has at most a hundred characters, and one more where it was cut', () => {
    expect(show('x'.repeat(98))).toBe(`"${'x'.repeat(98)}"`);
    expect(show('x'.repeat(500))).toBe(`"${'x'.repeat(99)}…`);
  });
});
