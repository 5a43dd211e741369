import { afterEach, describe, expect, it } from '@jest/globals';
import { Journal } from '../../support/journal.js';
import { patient } from '../../support/patience.js';

const given = process.env['PLACK_TEST_PATIENCE'];

afterEach(() => {
  if (given === undefined) delete process.env['PLACK_TEST_PATIENCE'];
  else process.env['PLACK_TEST_PATIENCE'] = given;
});

describe('PLACK_TEST_PATIENCE', () => {
  it('leaves waits as they are when it is not set', () => {
    delete process.env['PLACK_TEST_PATIENCE'];
    expect(patient(2000)).toBe(2000);
  });

  it('scales what a test waits at most', async () => {
    process.env['PLACK_TEST_PATIENCE'] = '0.005';
    expect(patient(2000)).toBe(10);
    await expect(new Journal().next()).rejects.toThrow('1 entries were expected within 10 ms');
  });

  it.each(['0', '-1', 'much', '', 'Infinity'])('refuses %j, which is no factor', (value) => {
    process.env['PLACK_TEST_PATIENCE'] = value;
    expect(() => patient(2000)).toThrow(`PLACK_TEST_PATIENCE must be a number above 0, such as 3`);
  });
});
