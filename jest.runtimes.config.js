import { shared } from './jest.config.js';

/** Apart from the suite, because Bun and Deno have to be installed first: see the script. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/runtimes/*.spec.ts'],
};
