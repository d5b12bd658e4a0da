import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { writeItemChanges, type ItemChange } from '../../../entities/evaluations/item-change-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
const items = 40;
let database: Database;
let key: { workspaceId: string; evaluationId: string };

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 4 }, 'test');
  const { workspaceId } = await createWorkspace(database);
  const [datasetId, caseId, evaluationId] = [v7(), v7(), v7()];
  key = { workspaceId, evaluationId };
  await database.asOperator(async (em) => {
    const own = [datasetId, workspaceId];
    await query(em, `insert into evaluation_datasets (id, workspace_id, name) values ($1, $2, 'data')`, own);
    await query(
      em,
      `insert into evaluation_cases (id, workspace_id, dataset_id, case_key, position, first_version, input, content_hash)
       values ($3, $2, $1, 'one', 0, 1, '{"question": "Q"}', 'x')`,
      [...own, caseId],
    );
    await query(
      em,
      `insert into evaluations (id, workspace_id, name, type, dataset_id, status)
       values ($3, $2, 'run', 'prompt_template', $1, 'running')`,
      [...own, evaluationId],
    );
    await query(
      em,
      `insert into evaluation_items (evaluation_id, ordinal, workspace_id, case_id, case_key, variant, repetition, state,
         attempt, item_hash)
       select $1, n, $2, $3, 'one', 0, n, 'running', 2, 'x' from generate_series(0, $4::integer - 1) n`,
      [evaluationId, workspaceId, caseId, items],
    );
  });
});
afterAll(() => database.close());

// The database may take them in any order: how it joins them is its own affair, and changes with its statistics.
test.each([
  ['hashjoin', 'mergejoin'],
  ['nestloop', 'mergejoin'],
  ['nestloop', 'hashjoin'],
])('of several words on one item the last counts, also without a %s and a %s', async (...joins) => {
  const output = { output: 'yes', prompt: null, contexts: [], toolCalls: [], latencyMs: 1 };
  const changes = Array.from({ length: items }, (_, n) => items - 1 - n).flatMap((ordinal): ItemChange[] => [
    { ordinal, attempt: 2, state: 'running', isFaulty: true, error: { code: 'unavailable', detail: 'Away.' } },
    { ordinal, attempt: 2, state: 'scoring', output, error: null },
    { ordinal, attempt: 1, state: 'failed' },
    { ordinal, attempt: 2, state: 'done', isFaulty: false },
  ]);
  const written = await database.asOperator(async (em) => {
    for (const join of joins) await query(em, `set local enable_${join} = off`);
    return writeItemChanges(em, key, changes);
  });
  expect(written.size).toBe(3 * items);
  const stored = await database.asOperator((em) =>
    query(em, `select distinct state, output, error, faulty_since from evaluation_items where evaluation_id = $1`, [
      key.evaluationId,
    ]),
  );
  expect(stored).toEqual([{ state: 'done', output: 'yes', error: null, faulty_since: null }]);
});
