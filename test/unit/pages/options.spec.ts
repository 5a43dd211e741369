import { describe, expect, it } from '@jest/globals';
import * as library from '../../../src/index.js';
import * as testing from '../../../src/testing.js';
import { codesOf, listAfter, readUserPages, type Item } from '../../support/pages.js';

const entries = { ...library, ...testing } as unknown as Readonly<Record<string, new () => object>>;
const exported = Object.keys(entries).filter((name) => name.endsWith('Options'));

/** What a class sets by itself, not what it takes over from the class it extends. */
function defaultsOf(name: string): object {
  const OptionClass = entries[name] as new () => object;
  const Parent = Object.getPrototypeOf(OptionClass) as new () => object;
  const inherited = typeof Parent.prototype === 'object' ? Object.keys(new Parent()) : [];
  const own = Object.entries(new OptionClass()).filter(([option]) => !inherited.includes(option));
  return Object.fromEntries(own.map(([option, value]) => [option, comparable(value)]));
}

/** The list of a class, on the one page that has it. */
function listOf(name: string): Item[] {
  const marker = `<!-- options: ${name} -->`;
  const holders = readUserPages().filter(({ text }) => text.split('\n').includes(marker));
  expect(holders.map(({ path }) => path)).toHaveLength(1);
  return holders.flatMap((page) => listAfter(marker, page));
}

/** The default in `default X unit`, as the class has it. */
function defaultIn(facts: string): unknown {
  if (facts.startsWith('default none')) return undefined;
  if (facts.startsWith('default below')) return 'options of their own';
  const [code = ''] = facts.startsWith('default `') ? codesOf(facts) : [];
  if (code === '') throw new Error(`"${facts}" names no default.`);
  return comparable(JSON.parse(code.replaceAll('_', '').replaceAll("'", '"')));
}

/** Groups of options have a list of their own. */
function comparable(value: unknown): unknown {
  const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isGroup ? 'options of their own' : value;
}

describe('the lists of options', () => {
  it.each(exported)('name every option of %s with its default', (name) => {
    const named = listOf(name).map(({ name: option, facts }) => [option, defaultIn(facts)]);
    expect(Object.fromEntries(named)).toStrictEqual(defaultsOf(name));
  });

  it('give every number a unit, unless it is a code or a level', () => {
    const numbers = exported.flatMap(listOf).filter(({ facts }) => typeof defaultIn(facts) === 'number');
    const withoutUnit = numbers.filter(({ facts }) => !/` \S/.test(facts)).map(({ name }) => name);
    expect([...new Set(withoutUnit)].toSorted()).toEqual(['code', 'level', 'memLevel']);
  });
});
