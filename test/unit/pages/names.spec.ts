import { describe, expect, it } from '@jest/globals';
import * as library from '../../../src/index.js';
import * as testing from '../../../src/testing.js';
import { readUserPages } from '../../support/pages.js';

const pages = readUserPages();
const known = { ...library, ...testing };

describe('the pages for users', () => {
  it('mention everything that the entries export', () => {
    const unmentioned = Object.keys(known).filter(
      (name) => !pages.some(({ text }) => new RegExp(`\\b${name}\\b`).test(text)),
    );
    expect(unmentioned).toEqual([]);
  });

  it.each(pages)('name no decorator or option class of ours that does not exist: $path', ({ text }) => {
    const decorators = [...text.matchAll(/@((?:On|Ws|Handshake)[A-Z]\w+)/g)].map(([, name = '']) => name);
    const options = [...text.matchAll(/`([A-Z]\w*Options)`/g)].map(([, name = '']) => name);
    expect([...decorators, ...options].filter((name) => !(name in known))).toEqual([]);
  });
});
