import { shared } from './jest.config.js';

/** Apart from the suite, because each project installs what it needs, for minutes. */
export default {
  ...shared,
  testMatch: ['<rootDir>/test/projects/*.spec.ts'],
};
