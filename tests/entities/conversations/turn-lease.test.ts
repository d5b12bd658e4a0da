import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { acceptAtOnce } from '../../../entities/conversations/accept-at-once.ts';
import { takeUntouchedTurn } from '../../../entities/conversations/turn-attempt-repository.ts';
import { noteAdoptions, renewLeases } from '../../../entities/conversations/turn-lease-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createConversation, createWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
afterAll(() => database?.close());

async function begunTurns(count: number): Promise<string[]> {
  const workspace = await createWorkspace(database);
  const { workspaceId } = workspace;
  const turns: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const conversationId = await createConversation(database, workspace);
    const turnId = v7();
    const question = { workspaceId, conversationId, turnId, messageId: v7(), workflowId: 'w', clientMessageId: null };
    await database.inWorkspace(workspaceId, (em) => acceptAtOnce(em, { ...question, content: 'Question' }));
    await database.inWorkspace(workspaceId, (em) => takeUntouchedTurn(em, { conversationId, turnId, leaseMs: 50 }));
    turns.push(turnId);
  }
  return turns;
}

/** Does `work` while somebody else has the turn locked, who would be waited for in vain. */
async function whileLocked(turnId: string, work: () => Promise<void>): Promise<void> {
  await database.asOperator(async (em) => {
    await query(em, 'select from turns where id = $1 for update', [turnId]);
    await work();
  });
}

const leftMs = async (turnId: string): Promise<number> => {
  const [row] = await database.asOperator((em) =>
    query<{ left: number }>(
      em,
      'select extract(epoch from leased_until - clock_timestamp())::float8 * 1000 as left from turns where id = $1',
      [turnId],
    ),
  );
  return row!.left;
};

test('leases are renewed together, but for those of turns that somebody works at; these wait alone', async () => {
  const [free, busy] = (await begunTurns(2)) as [string, string];
  await whileLocked(busy, async () => {
    expect(await database.asOperator((em) => renewLeases(em, [free, busy], 60_000))).toEqual([busy]);
    expect(await leftMs(free)).toBeGreaterThan(50_000);
    expect(await leftMs(busy)).toBeLessThan(100);
  });
  expect(await database.asOperator((em) => renewLeases(em, [busy], 60_000))).toEqual([]);
  expect(await leftMs(busy)).toBeGreaterThan(50_000);
});

test('adoptions are noted together, but for those of turns that somebody works at', async () => {
  const [free, busy] = (await begunTurns(2)) as [string, string];
  const adopted = [free, busy].map((turnId) => ({ turnId, run: { runId: v7(), activityId: '7', attempt: 1 } }));
  await whileLocked(busy, async () => {
    expect(await database.asOperator((em) => noteAdoptions(em, adopted))).toEqual([busy]);
  });
  expect(await database.asOperator((em) => noteAdoptions(em, adopted))).toEqual([]);
  const noted = await database.asOperator((em) =>
    query(em, 'select activity_id, leased_until from turns where id = any($1::uuid[])', [[free, busy]]),
  );
  expect(noted).toEqual([
    { activity_id: '7', leased_until: null },
    { activity_id: '7', leased_until: null },
  ]);
});
