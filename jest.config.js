/** What every kind of test shares. Nest 12 is ESM, so jest has to run with `--experimental-vm-modules`: see the scripts. */
export const shared = {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testEnvironment: 'node',
  // The Nest of package.json unless an older one is asked for: see test/nests.
  ...(process.env['PLACK_TEST_NEST'] !== undefined && { resolver: '<rootDir>/test/nests/resolver.js' }),
  setupFilesAfterEnv: ['<rootDir>/test/support/time-limit.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    // The package by its own name is the sources: one copy of every class, and no build before a test.
    '^nestjs-plack-websocket$': '<rootDir>/src/index.ts',
    '^nestjs-plack-websocket/([a-z]+)$': '<rootDir>/src/$1.ts',
    // TypeScript names the file that a build will make; jest finds the one that is there.
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        module: { type: 'es6' },
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          keepClassNames: true,
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
        },
      },
    ],
  },
};

const anySpec = ['<rootDir>/test/**/*.spec.ts', '<rootDir>/test/**/*.e2e-spec.ts'];

export default {
  coverageProvider: 'v8',
  coverageDirectory: '<rootDir>/coverage',
  collectCoverageFrom: ['<rootDir>/src/**/*.ts'],
  // Two cores are the smallest machine this runs on; jest alone would leave one of them idle.
  maxWorkers: '100%',
  // `--selectProjects` takes every word that follows for a project: the scripts end with a flag, so that a file may be
  // named after them.
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/unit/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'property',
      testMatch: ['<rootDir>/test/property/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'backplane',
      testMatch: ['<rootDir>/test/backplane/**/*.spec.ts'],
    },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: anySpec,
      testPathIgnorePatterns: [
        '/node_modules/',
        '<rootDir>/test/(unit|property|backplane|browser|bench|dev-proxies|neighbours|peers|projects|runtimes)/',
      ],
    },
  ],
};
