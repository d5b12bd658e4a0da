import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { asyncLocalStorage, type Context } from '@temporalio/activity';
import { paceCall } from '../../../activities/pacing/pace-calls.ts';
import { blockModelCalls } from '../../../entities/usage/rate-limit-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { until } from '../../support/until.ts';
import { createIngestWorkspace } from '../../support/workspaces/ingest-workspace.ts';

const rows = testDatabase();
let database: Database;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
afterAll(() => database.close());

/** A model that may be called six times at once, and then once a second. */
async function makeLimitedModel() {
  const { workspaceId, modelId } = await createIngestWorkspace(database);
  const capabilities = { requestsPerMinute: 60 };
  await database.inWorkspace(workspaceId, (em) =>
    em.execute('update models set capabilities = ? where id = ?', [JSON.stringify(capabilities), modelId]),
  );
  return { workspaceId, modelId, provider: 'openai', capabilities };
}

test('a turn does not queue behind the calls of evaluations, however many wait', async () => {
  const model = await makeLimitedModel();
  const end = new AbortController();
  const call = (signal: AbortSignal) =>
    paceCall(database, model, { tokens: 1, signal }, { call: async () => performance.now(), tokensOf: () => null });
  const onQueue = (taskQueue: string) =>
    asyncLocalStorage.run({ info: { taskQueue } } as Context, () => call(end.signal));
  let ended = 0;
  const evaluation = Array.from({ length: 24 }, () =>
    onQueue('evaluate').then(
      () => (ended += 1),
      () => null,
    ),
  );
  await until(async () => ended >= 4, { what: 'what may go out at once' });
  const began = performance.now();
  // In one queue with the others it would have about twenty seconds to wait.
  for (const _turn of [1, 2, 3]) await onQueue('chat');
  expect(performance.now() - began).toBeLessThan(9000);
  end.abort();
  await Promise.all(evaluation);
  // Those that were still waiting have taken no room.
  const next = await call(AbortSignal.timeout(5000));
  expect(next).toBeGreaterThan(0);
}, 120_000);

test('R8: a call that waits for its moment keeps to a Retry-After that another call is given meanwhile', async () => {
  const model = await makeLimitedModel();
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
