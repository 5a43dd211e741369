import { shared } from './jest.config.js';

/** Apart from the suite, because the neighbours have to be installed first: see the script. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/neighbours/*.spec.ts'],
  maxWorkers: '100%',
};
