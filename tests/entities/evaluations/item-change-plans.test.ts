import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { writeItemChanges } from '../../../entities/evaluations/item-change-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspaceId: string;
const datasetId = v7();
const caseId = v7();

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 4 }, 'test');
  ({ workspaceId } = await createWorkspace(database));
  await database.asOperator(async (em) => {
    const own = [datasetId, workspaceId];
    await query(em, `insert into evaluation_datasets (id, workspace_id, name) values ($1, $2, 'data')`, own);
    await query(
      em,
      `insert into evaluation_cases (id, workspace_id, dataset_id, case_key, position, first_version, input, content_hash)
       values ($3, $2, $1, 'one', 0, 1, '{"question": "Q"}', 'x')`,
      [...own, caseId],
    );
  });
});
afterAll(() => database.close());

async function makeRun(items: number): Promise<string> {
  const evaluationId = v7();
  await database.asOperator(async (em) => {
    await query(
      em,
      `insert into evaluations (id, workspace_id, name, type, dataset_id, status)
       values ($1::uuid, $2, $1::text, 'prompt_template', $3, 'running')`,
      [evaluationId, workspaceId, datasetId],
    );
    await query(
      em,
      `insert into evaluation_items (evaluation_id, ordinal, workspace_id, case_id, case_key, variant, repetition, item_hash)
       select $1, n, $2, $3, 'one', 0, n, 'x' from generate_series(0, $4::integer - 1) n`,
      [evaluationId, workspaceId, caseId, items],
    );
  });
  return evaluationId;
}

test('a write reads the items that it is about alone, also in a run of which the statistics know nothing yet', async () => {
  for (let run = 0; run < 12; run += 1) await makeRun(500);
  await database.asOwner((em) => query(em, `analyze evaluation_items`));
  const evaluationId = await makeRun(3000);
  const read = await database.asOperator(async (em) => {
    for (let write = 0; write < 8; write += 1) {
      const changes = Array.from({ length: 12 }, (_, n) => ({
        ordinal: n * 200 + write,
        attempt: 0,
        state: 'running' as const,
      }));
      expect((await writeItemChanges(em, { workspaceId, evaluationId }, changes)).size).toBe(12);
    }
    const [row] = await query<{ read: number }>(
      em,
      `select (seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_xact_user_tables where relname = 'evaluation_items'`,
      [],
    );
    return row!.read;
  });
  expect(read).toBeLessThan(8 * 12 * 10);
});
