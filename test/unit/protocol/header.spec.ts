import { describe, expect, it } from '@jest/globals';
import { isFieldValue, isToken, listsToken, splitTokenList } from '../../../src/websocket/protocol/header.js';

describe('isToken', () => {
  it.each(['graphql-ws', 'v1.2', "!#$%&'*+-.^_`|~", 'A'])('takes %s (RFC 9110 §5.6.2)', (value) => {
    expect(isToken(value)).toBe(true);
  });

  it.each(['', 'a b', 'a,b', 'a;b', 'a/b', '"a"', 'a\n', 'ü', 'a\0'])('refuses %j', (value) => {
    expect(isToken(value)).toBe(false);
  });
});

describe('isFieldValue', () => {
  it.each(['', 'text/html; q=0.5', 'tab\tinside', 'caf\u00e9'])('takes %j', (value) => {
    expect(isFieldValue(value)).toBe(true);
  });

  it.each(['a\r\nSet-Cookie: x', 'a\n', 'a\r', 'a\0', '\u007f', '\u0100'])('refuses %j', (value) => {
    expect(isFieldValue(value)).toBe(false);
  });
});

describe('splitTokenList', () => {
  it.each<[string | undefined, string[]]>([
    [undefined, []],
    ['', []],
    ['a', ['a']],
    [' a ,\tb,c ', ['a', 'b', 'c']],
    [',a,, ,b,', ['a', 'b']],
  ])('of %j is %j', (value, members) => {
    expect(splitTokenList(value)).toEqual(members);
  });
});

describe('listsToken', () => {
  it.each<[string | undefined, boolean]>([
    ['upgrade', true],
    ['Upgrade', true],
    ['keep-alive, UPGRADE', true],
    ['keep-alive,,upgrade , x', true],
    ['upgraded', false],
    ['keep-alive', false],
    ['up grade', false],
    ['', false],
    [undefined, false],
  ])('finds upgrade in %j: %j', (value, expected) => {
    expect(listsToken(value, 'upgrade')).toBe(expected);
  });
});
