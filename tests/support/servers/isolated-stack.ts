import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll } from '@jest/globals';
import type { HeldStackOptions } from '../../../scripts/supervisor/hold-stack.ts';
import { testServers } from './test-servers.ts';

/**
 * Options of a stack of its own: a temporary home, the fetched programs of the run, its own ports. Call at the top of a
 * test file or describe block; the home is removed after its tests.
 */
export function isolatedStackOptions(firstPort: number): HeldStackOptions {
  const { cache, stacks } = testServers();
  const home = mkdtempSync(path.join(stacks, 'stack-'));
  afterAll(() => rmSync(home, { recursive: true, force: true }));
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, PERDURE_PORT: _port, ...env } = process.env;
  return {
    home,
    env,
    cache,
    processes: ['postgres', 'temporal'],
    ports: {
      postgres: firstPort,
      temporal: firstPort + 10,
      temporalUi: firstPort + 20,
      api: firstPort + 30,
      workerMetrics: firstPort + 40,
    },
  };
}
