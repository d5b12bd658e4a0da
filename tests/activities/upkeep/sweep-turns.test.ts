import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { createSweepTurns } from '../../../activities/upkeep/sweep-turns.ts';
import { acceptMessage } from '../../../entities/conversations/conversation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { requestCancel } from '../../../entities/conversations/turn-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createConversation, createWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
});
afterAll(() => database?.close());

test('a turn whose request died before its workflow was told is brought to it once, and so is a forgotten cancel', async () => {
  const workspace = await createWorkspace(database);
  const conversationId = await createConversation(database, workspace);
  const accept = async () => {
    const turnId = v7();
    await database.inWorkspace(workspace.workspaceId, (em) =>
      acceptMessage(em, {
        workspaceId: workspace.workspaceId,
        conversationId,
        messageId: v7(),
        turnId,
        workflowId: 'w',
        clientMessageId: null,
        content: 'Question',
      }),
    );
    return turnId;
  };
  const [stray, unwanted, fresh] = [await accept(), await accept(), await accept()];
  await database.inWorkspace(workspace.workspaceId, (em) => requestCancel(em, unwanted));
  await database.asOperator((em) =>
    query(em, `update turns set updated_at = now() - interval '6 seconds' where id = any($1::uuid[])`, [
      [stray, unwanted],
    ]),
  );

  const [waitsForItsRun, waitsForNobody] = [await accept(), await accept()];
  await database.asOperator((em) =>
    query(
      em,
      `update turns set updated_at = now() - interval '11 minutes', state = 'waiting' where id = any($1::uuid[])`,
      [[waitsForItsRun, waitsForNobody]],
    ),
  );
  const done: string[] = [];
  const sweep = createSweepTurns({
    database,
    submitTurn: async (turn) => void done.push(`submit ${turn.turnId}`),
    cancelTurn: async (turn) => void done.push(`cancel ${turn.turnId}`),
    decideCall: async (call) => void done.push(`decide ${call.callId}`),
    conversationRuns: async ({ turnId }) => turnId === waitsForItsRun,
  });
  expect(await sweep()).toEqual({ swept: 4 });
  expect(done).toEqual([`submit ${stray}`, `submit ${unwanted}`, `cancel ${unwanted}`, `submit ${waitsForNobody}`]);
  expect(done.join()).not.toContain(fresh);
  expect(await sweep()).toEqual({ swept: 0 });
});
