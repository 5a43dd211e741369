import { describe, expect, it } from '@jest/globals';
import { readPage, readPages, readUserPages } from '../../support/pages.js';

const LONGEST_LINE = 160;

describe.each(readPages())('$path', ({ path, text }) => {
  it('can be read in a terminal: no line has more than 160 characters', () => {
    const long = text
      .split('\n')
      .flatMap((line, index) => (line.length > LONGEST_LINE ? [`${path}:${index + 1}`] : []));
    expect(long).toEqual([]);
  });
});

describe.each(readUserPages())('$path', (page) => {
  it('has one title, on its first line', () => {
    const titles = page.text.replaceAll(/^```.*?^```$/gms, '').match(/^# .*$/gm);
    expect(titles).toEqual([page.text.split('\n', 1)[0]]);
  });
});

describe('README.md', () => {
  it('is read in five minutes: it has at most 250 lines', () => {
    expect(readPage('README.md').text.split('\n').length - 1).toBeLessThanOrEqual(250);
  });
});
