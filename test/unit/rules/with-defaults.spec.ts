import { expect, it } from '@jest/globals';
import { withDefaults } from '../../../src/websocket/rules/with-defaults.js';

class Options {
  a = 1;
  b?: string;
  c = true;
}

it('what a layer defines goes before the default and before the layers below', () => {
  expect(withDefaults(Options, { a: 2, c: false }, { a: 3 })).toEqual({ a: 3, b: undefined, c: false });
});

it('what a layer has as undefined hides neither the default nor what a layer below says', () => {
  const nothing = { a: undefined, b: undefined } as unknown as Partial<Options>;
  expect(withDefaults(Options, { b: 'set' }, nothing)).toEqual({ a: 1, b: 'set', c: true });
});

it('makes an object of its own, whatever is given', () => {
  const given = { a: 2 };
  const options = withDefaults(Options, given);
  options.a = 5;
  expect(options).toBeInstanceOf(Options);
  expect(given).toEqual({ a: 2 });
});
