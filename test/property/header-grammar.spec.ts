import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isHandshakeKey } from '../../src/websocket/protocol/handshake-key.js';
import { isFieldValue, isToken, listsToken, splitTokenList } from '../../src/websocket/protocol/header.js';

/** RFC 9110 §5.6.2, written as the RFC lists it. */
const TCHAR = new Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** Any character, with those that matter to headers more often. */
const character = fc.oneof(
  fc.constantFrom(
    '\r',
    '\n',
    '\0',
    '\t',
    ' ',
    ',',
    ';',
    ':',
    '"',
    'é',
    'ÿ',
    'Ā',
    '\u2028',
    '\u{1F600}',
    '\x7f',
    'a',
    '-',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
);
const anything = fc.array(character, { maxLength: 12 }).map((characters) => characters.join(''));
const token = fc
  .array(fc.constantFrom(...TCHAR), { minLength: 1, maxLength: 8 })
  .map((characters) => characters.join(''));
const space = fc.array(fc.constantFrom(' ', '\t'), { maxLength: 2 }).map((characters) => characters.join(''));

describe('a token', () => {
  it('is one or more of the characters of RFC 9110 §5.6.2', () => {
    fc.assert(
      fc.property(fc.oneof(anything, token), (value) => {
        expect(isToken(value)).toBe(value !== '' && [...value].every((one) => TCHAR.has(one)));
      }),
    );
  });
});

describe('a field value', () => {
  it('has no character that could end or break a line', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const codes = Array.from({ length: value.length }, (_, index) => value.charCodeAt(index));
        expect(isFieldValue(value)).toBe(
          codes.every((code) => code === 9 || (code >= 32 && code !== 127 && code <= 255)),
        );
      }),
    );
  });

  it('is one line of one header when it stands in an HTTP head', () => {
    fc.assert(
      fc.property(anything.filter(isFieldValue), (value) => {
        const head = Buffer.from(`X-Value: ${value}\r\n`, 'latin1');
        expect(head.toString('latin1').split(/\r|\n/)).toEqual([`X-Value: ${value}`, '', '']);
      }),
    );
  });
});

describe('a list of tokens', () => {
  const padded = fc.tuple(space, token, space);
  const empty = space;
  const list = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: padded },
      { weight: 1, arbitrary: empty.map((s): [string, string, string] => [s, '', '']) },
    ),
  );

  it('is read whatever the spaces and empty members are', () => {
    fc.assert(
      fc.property(list, (members) => {
        const value = members.map((member) => member.join('')).join(',');
        expect(splitTokenList(value)).toEqual(members.map(([, name]) => name).filter((name) => name !== ''));
      }),
    );
  });

  it('names a token in whatever case', () => {
    fc.assert(
      fc.property(list, token, fc.boolean(), (members, name, upper) => {
        const value = [...members.map((member) => member.join('')), upper ? name.toUpperCase() : name].join(', ');
        expect(listsToken(value, name.toLowerCase())).toBe(true);
      }),
    );
  });

  it('names no token that is only part of a member', () => {
    fc.assert(
      fc.property(token, token, (name, more) => {
        const found = listsToken(`${name}${more}, x${name}`, name.toLowerCase());
        const members = [`${name}${more}`, `x${name}`].map((member) => member.toLowerCase());
        expect(found).toBe(members.includes(name.toLowerCase()));
      }),
    );
  });
});

describe('a handshake key', () => {
  it('is what 16 bytes are in base64', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        expect(isHandshakeKey(Buffer.from(bytes).toString('base64'))).toBe(true);
      }),
    );
  });

  it('is nothing else', () => {
    const other = fc.oneof(
      anything,
      fc
        .uint8Array({ maxLength: 40 })
        .filter(({ length }) => length !== 16)
        .map((bytes) => Buffer.from(bytes).toString('base64')),
      fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ` ${Buffer.from(bytes).toString('base64')}`),
    );
    fc.assert(fc.property(other, (value) => expect(isHandshakeKey(value)).toBe(false)));
  });
});
