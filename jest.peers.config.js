import { shared } from './jest.config.js';

/** Apart from the suite, because the libraries have to be installed first: see the script. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/peers/*.spec.ts'],
};
