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

test('a write reads the calls that it ends alone, also where the statistics know nothing of them yet', async () => {
  const modelId = v7();
  const evaluationId = await makeRun(2000);
  await database.asOperator((em) =>
    query(
      em,
      `insert into models (id, workspace_id, name, kind, provider, model_id) values ($1::uuid, $2, $1::text, 'chat', 'openai', 'm')`,
      [modelId, workspaceId],
    ),
  );
  await database.asOperator((em) =>
    query(em, `update evaluation_items set attempt = 1 where evaluation_id = $1`, [evaluationId]),
  );
  await database.asOwner((em) => query(em, `analyze usage_metrics, evaluation_calls`));
  const key = { workspaceId, evaluationId };
  const calls = Array.from({ length: 2000 }, (_, ordinal) => ({ ordinal, attempt: 1, callId: v7() }));
  const ending = calls.filter(({ ordinal }) => ordinal % 250 === 0);
  // As the product does it: its policies are part of the plan.
  const read = await database.inWorkspace(workspaceId, async (em) => {
    await writeItemChanges(
      em,
      key,
      calls.map(({ callId, ...item }) => ({
        ...item,
        start: { callId, modelId, pricing: { currency: 'EUR', input_per_million: '3' } },
        begin: { callId, metric: 'judge', position: 0, request: {}, requestHash: 'x' },
      })),
    );
    const fetched = async () => {
      const [row] = await query<{ read: number }>(
        em,
        `select sum(seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_xact_user_tables
         where relname in ('usage_metrics', 'evaluation_calls')`,
        [],
      );
      return row!.read;
    };
    const before = await fetched();
    const usage = { promptTokens: 10, completionTokens: 2, totalTokens: 12 };
    const changes = ending.map(({ callId, ...item }) => ({
      ...item,
      settle: { callId, usage },
      answer: { callId, answer: {} },
    }));
    expect((await writeItemChanges(em, key, changes)).size).toBe(8);
    const settled = await query<{ cost: string }>(
      em,
      `select cost::text from usage_metrics u join evaluation_calls c on c.id = u.id
       where u.id = any($1::uuid[]) and u.state = 'settled' and c.state = 'answered'`,
      [ending.map(({ callId }) => callId)],
    );
    expect(settled).toEqual(ending.map(() => ({ cost: '0.0000300000' })));
    return (await fetched()) - before;
  });
  expect(read).toBeLessThan(8 * 20);
});
