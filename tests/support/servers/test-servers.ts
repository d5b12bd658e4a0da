import { readFileSync } from 'node:fs';

/** Addresses and programs of the servers that this test run shares. */
export interface TestServers {
  databaseUrl: string;
  /** Name of the migrated database that `testDatabase` clones. */
  template: string;
  temporalAddress: string;
  temporalUi: string;
  /** The Temporal CLI, for `TestWorkflowEnvironment.createLocal`. */
  temporalExecutable: string;
  /** The time-skipping server, for `TestWorkflowEnvironment.createTimeSkipping`. */
  testServerExecutable: string;
  /** Folder of the local embedding model's weights. */
  modelDirectory: string;
  /** Folder of the fetched programs, for tests that start a stack of their own. */
  cache: string;
  /** Folder for the homes of such stacks: what a run that was cut short leaves in it is stopped and removed. */
  stacks: string;
}

/** Reads what the set-up of this run wrote; throws outside of a run by `npm test`. */
export function testServers(): TestServers {
  const file = process.env.PERDURE_TEST_SERVERS;
  if (!file) throw new Error('PERDURE_TEST_SERVERS is not set: run the tests with "npm test -- path/to/file.test.ts".');
  return JSON.parse(readFileSync(file, 'utf8')) as TestServers;
}
