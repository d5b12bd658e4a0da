import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { dropRetiredUsageRows, retireUsageRows } from '../../../entities/maintenance/retention-repository.ts';
import { query } from '../../../entities/sql.ts';
import { sumUsage } from '../../../entities/usage/usage-repository.ts';
import { findDifferingDays, findDifferingHours, sumUpUsage } from '../../../entities/usage/usage-total-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createWorkspace, type TestWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 6 }, 'usage-totals-test');
  workspace = await createWorkspace(database);
});
afterAll(() => database.close());

type Call = {
  hoursAgo: number;
  state?: string;
  tokens?: number | null;
  cost?: string | null;
  currency?: string | null;
  entity?: string;
};

async function add(calls: readonly Call[]): Promise<string[]> {
  const ids = calls.map(() => v7());
  await database.asOperator(async (em) => {
    for (const [index, call] of calls.entries())
      await query(
        em,
        `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, state, prompt_tokens, total_tokens, cost,
           currency, "timestamp", settled_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, now() - make_interval(hours => $10),
                 now() - make_interval(hours => $10))`,
        [
          ids[index],
          workspace.workspaceId,
          call.entity ?? 'agent',
          workspace.agentId,
          workspace.modelId,
          call.state ?? 'settled',
          call.tokens === undefined ? 10 : call.tokens,
          call.cost ?? null,
          call.currency ?? null,
          call.hoursAgo,
        ],
      );
  });
  return ids;
}

const sumUp = () => database.asOperator((em) => sumUpUsage(em, workspace.workspaceId));
const differing = () =>
  database.asOperator(async (em) => [
    ...(await findDifferingHours(em, workspace.workspaceId)),
    ...(await findDifferingDays(em)),
  ]);
const totals = (grain: string) =>
  database.asOperator((em) =>
    query(
      em,
      `select sum(calls)::int as calls, sum(unknown_calls)::int as unknown, sum(total_tokens)::int as tokens,
              sum(cost)::text as cost, count(*)::int as rows from usage_totals where workspace_id = $1 and grain = $2`,
      [workspace.workspaceId, grain],
    ),
  );
const shown = () =>
  database.inWorkspace(workspace.workspaceId, async (em) =>
    Promise.all(
      (['model', 'agent', 'user', 'tool', 'day', 'hour'] as const).map((groupBy) =>
        sumUsage(em, { groupBy, from: null, to: null, timeZone: 'UTC' }),
      ),
    ),
  );

test('sums by hour and day are those of the rows, also after late rows, and a repetition changes nothing', async () => {
  const [, , late] = await add([
    { hoursAgo: 30, cost: '0.5', currency: 'USD' },
    { hoursAgo: 30, cost: '0.25', currency: 'EUR' },
    { hoursAgo: 5, state: 'started', tokens: null },
    { hoursAgo: 5, entity: 'rag_tool', cost: '0.125', currency: 'USD' },
    { hoursAgo: 0 },
  ]);
  expect(await sumUp()).toMatchObject({ hours: 3 });
  const first = { calls: 5, unknown: 1, tokens: 40, cost: '0.8750000000' };
  expect(await totals('hour')).toMatchObject([first]);
  expect(await totals('day')).toMatchObject([first]);
  expect(await differing()).toEqual([]);

  const [before] = await totals('hour');
  await sumUp();
  expect(await totals('hour')).toEqual([before]);

  // A call that began hours ago is settled now, and another one is written late.
  await database.asOperator((em) =>
    query(em, `update usage_metrics set state = 'settled', total_tokens = 7, settled_at = now() where id = $1`, [late]),
  );
  await add([{ hoursAgo: 29 }]);
  await database.asOperator((em) =>
    query(em, `update usage_metrics set settled_at = now() where "timestamp" < now() - interval '28 hours'`),
  );
  await sumUp();
  const second = { calls: 6, unknown: 0, tokens: 57, cost: '0.8750000000' };
  expect(await totals('hour')).toMatchObject([second]);
  expect(await totals('day')).toMatchObject([second]);
  expect(await differing()).toEqual([]);
});

test('sums that are not those of the rows are found, and mended by the first run of a day', async () => {
  await database.asOperator((em) =>
    query(em, `update usage_progress set counted_to = now() + interval '11 minutes' where workspace_id = $1`, [
      workspace.workspaceId,
    ]),
  );
  await database.asOperator((em) =>
    query(
      em,
      `update usage_totals set calls = calls + 1
       where id = (select id from usage_totals where workspace_id = $1 and grain = 'hour' order by starts_at limit 1)`,
      [workspace.workspaceId],
    ),
  );
  const [hour, day] = await differing();
  expect(hour?.summed).not.toBe(hour?.rows);
  expect(day).toBeDefined();
  await database.asOperator((em) =>
    query(
      em,
      `update usage_progress set counted_to = now() - interval '1 day' + interval '11 minutes' where workspace_id = $1`,
      [workspace.workspaceId],
    ),
  );
  await sumUp();
  expect(await differing()).toEqual([]);
});

test('what is shown stays the same when single rows are deleted for which sums stand', async () => {
  const before = await shown();
  await database.asOperator(async (em) => {
    await sumUpUsage(em, workspace.workspaceId);
    const cut = new Date(Date.now() - 4 * 3_600_000);
    expect(await retireUsageRows(em, workspace.workspaceId, cut)).toBe(true);
  });
  expect(await shown()).toEqual(before);
  expect(await database.asOperator((em) => dropRetiredUsageRows(em, 100))).toBeGreaterThan(3);
  expect(await shown()).toEqual(before);
  expect(before[0]).toMatchObject([{ calls: 6, costs: [{ currency: 'EUR' }, { currency: 'USD' }] }]);
  await sumUp();
  expect(await shown()).toEqual(before);
  expect(await differing()).toEqual([]);
});

test('rows are kept while their sums are not equal to them', async () => {
  await add([{ hoursAgo: 3 }]);
  await sumUp();
  await database.asOperator(async (em) => {
    await query(em, `update usage_progress set counted_to = now() + interval '11 minutes' where workspace_id = $1`, [
      workspace.workspaceId,
    ]);
    await query(em, `update usage_totals set total_tokens = total_tokens + 1 where workspace_id = $1`, [
      workspace.workspaceId,
    ]);
    expect(await retireUsageRows(em, workspace.workspaceId, new Date())).toBe(false);
  });
});
