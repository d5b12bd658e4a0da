const transform = [
  '@swc/jest',
  { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
];

export default {
  testEnvironment: '<rootDir>/tests/support/servers/failure-aware-environment.mjs',
  globalSetup: '<rootDir>/tests/support/servers/start-servers.mjs',
  globalTeardown: '<rootDir>/tests/support/servers/stop-servers.mjs',
  setupFiles: ['<rootDir>/tests/support/servers/refuse-network.ts'],
  testSequencer: '<rootDir>/tests/support/servers/longest-first.mjs',
  reporters: ['default', '<rootDir>/tests/support/servers/closing-line-reporter.mjs'],
  roots: ['<rootDir>/tests'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': transform },
  testTimeout: 60_000,
  // For two cores, on which a file waits for two fifths of its time: for commits, timers and processes that it starts.
  maxWorkers: 3,
};
