/** Tests run on the sources; packages are found by name without a build. */
const swc = require('./swcrc.json');

module.exports = {
  rootDir: '..',
  testEnvironment: 'node',
  testMatch: [
    '<rootDir>/libs/*/src/**/*.spec.ts',
    '<rootDir>/services/*/src/**/*.spec.ts',
    '<rootDir>/examples/**/*.spec.ts',
  ],
  moduleNameMapper: {
    '^@writ/(planner|executor|verifier|manifest)$': '<rootDir>/services/$1/src/index.ts',
    '^@writ/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/(libs|services)/[^/]+/(dist|bundle)/'],
  transform: {
    '^.+\\.ts$': ['@swc/jest', { jsc: swc.jsc, module: swc.module, sourceMaps: 'inline' }],
  },
  globalSetup: '<rootDir>/libs/testing/src/jest/global-setup.ts',
  globalTeardown: '<rootDir>/libs/testing/src/jest/global-teardown.ts',
  testTimeout: 30_000,
  maxWorkers: 2,
};
