import { shared } from './jest.config.js';

/** Apart from the suite, because the development servers have to be installed first: see the script. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/dev-proxies/*.spec.ts'],
};
