import { describe, expect, it } from '@jest/globals';
import { isAnchored } from '../../../src/websocket/options/anchored-pattern.js';

describe('a pattern that fits whole texts only', () => {
  it.each([
    /^a$/,
    /^$/,
    /^a$|^b$/,
    /^(?:a|b)$/,
    /^(a|b)$/i,
    /^a$/m,
    /^[[|]$/,
    new RegExp(String.raw`^[[ab]--[a]](?:c|d)$`, 'v'),
    /(?:^a$)/,
    /(^a$|^b$)/,
    /(?<name>^a$)/,
    /^[|$]$/,
    /^\|$/,
    /^a\\$/,
    /^[\]|]$/,
    /^(?:a(?:b|c)|d)\)$/,
  ])('is %p', (pattern) => {
    expect(isAnchored(pattern)).toBe(true);
  });
});

describe('a pattern that fits parts of texts', () => {
  it.each([
    /a/,
    /^a/,
    /a$/,
    /^a|b$/,
    /^a$|b/,
    /^a\$/,
    /\^a$/,
    /(?:^a)$|(?:^b$)c/,
    /(?:^a$|b)/,
    /[^a$]/,
    /^[a$]/,
    /(?=^a$)/,
    /(?!^a$)/,
    /^a(?:$|b)/,
    /(?:)/,
    /(^a$)?/,
    /(^a$)|/,
  ])('is %p', (pattern) => {
    expect(isAnchored(pattern)).toBe(false);
  });
});
