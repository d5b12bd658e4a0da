import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { paceCall } from '../../../activities/pacing/pace-calls.ts';
import { blockModelCalls } from '../../../entities/usage/rate-limit-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createIngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
afterAll(() => database.close());

test('R8: a call that waits for its moment keeps to a Retry-After that another call is given meanwhile', async () => {
  const { workspaceId, modelId } = await createIngestWorkspace(database);
  // One at once, the next a second later.
  const capabilities = { requestsPerMinute: 60 };
  await database.inWorkspace(workspaceId, (em) =>
    em.execute('update models set capabilities = ? where id = ?', [JSON.stringify(capabilities), modelId]),
  );
  const model = { workspaceId, modelId, provider: 'openai', capabilities };
  const call = () =>
    paceCall(
      database,
      model,
      { tokens: 1, signal: AbortSignal.timeout(20_000) },
      { call: async () => performance.now(), tokensOf: () => null },
    );
  // A tenth of the limit may go out at once.
  for (let burst = 0; burst < 6; burst += 1) await call();
  const waiting = call();
  const pauseMs = 2500;
  await database.autocommit((em) => blockModelCalls(em, model, pauseMs));
  const blockedAt = performance.now();
  expect((await waiting) - blockedAt).toBeGreaterThan(pauseMs - 100);
});
