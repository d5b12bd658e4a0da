const transform = [
  '@swc/jest',
  { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
];

export default {
  testEnvironment: '<rootDir>/tests/support/servers/failure-aware-environment.mjs',
  globalSetup: '<rootDir>/tests/support/servers/start-servers.mjs',
  globalTeardown: '<rootDir>/tests/support/servers/stop-servers.mjs',
  setupFiles: ['<rootDir>/tests/support/servers/refuse-network.ts'],
  reporters: ['default', '<rootDir>/tests/support/servers/closing-line-reporter.mjs'],
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': transform },
  testTimeout: 30_000,
  // Two cores serve PostgreSQL and Temporal as well.
  maxWorkers: 2,
};
