import { shared } from './jest.config.js';

/** Apart from the suite, because it needs a Chromium. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/browser/**/*.spec.ts'],
  // One browser at a time: two on two cores only wait for each other.
  maxWorkers: 1,
};
