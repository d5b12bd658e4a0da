import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import { givenCaseSchema } from '../../contracts/evaluation-case.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { listConversations } from '../../entities/conversations/conversation-record-repository.ts';
import { importCases } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { query } from '../../entities/sql.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';

jest.setTimeout(120_000);
// The conversations run on the queue of evaluations too, so one worker has the steps of both.
const h = evaluationHarness({ withConversations: true });
let connection: Connection;

beforeAll(async () => {
  connection = await Connection.connect({ address: h.temporal.address });
  const starter = createWorkStarter(new Client({ connection, namespace: h.temporal.namespace }));
  h.submitTurn = (turn) => starter.submitTurn({ ...turn, isHeld: true });
});
afterAll(() => connection?.close());

test('an agent is measured in conversations of its own, of several turns too, which no list shows', async () => {
  h.provider.control({ default: { answer: 'the answer' } });
  const { workspaceId, agentId } = h.workspace;
  const datasetId = v7();
  const given = [
    { key: 'one', input: { question: 'Who?' }, expected_answer: 'the answer' },
    {
      key: 'two',
      input: {
        messages: [
          { role: 'user', content: 'What?' },
          { role: 'assistant', content: 'This.' },
          { role: 'user', content: 'And why?' },
        ],
      },
      expected_answer: 'another answer',
    },
  ].map((each) => givenCaseSchema.parse(each));
  await h.database.inWorkspace(workspaceId, async (em) => {
    await query(em, `insert into evaluation_datasets (id, workspace_id, name) values ($1, $2, 'talks')`, [
      datasetId,
      workspaceId,
    ]);
    await importCases(em, { workspaceId, datasetId, mode: 'replace', cases: given, origin: {} });
  });
  const agent = { id: agentId, name: 'agent', version: '1' };
  const key = await h.start(
    { cases: null, datasetId, measure: ['exact_match', 'cost'], variants: [{ agent, template: null, model: null }] },
    undefined,
    'agent',
  );
  const verdict = await h.result(key);
  expect(await h.query(`select case_key, error from evaluation_items where error is not null`)).toEqual([]);
  expect(verdict).toEqual({ state: 'completed', verdict: 'passed' });
  expect(await h.scores(key)).toMatchObject({ 'one/0/exact_match': 1, 'two/0/exact_match': 0 });
  const items = await h.query<{ turns: number; cost: string; output: string; prompt_tokens: number }>(
    `select jsonb_array_length(turn_ids) as turns, cost, output, prompt_tokens from evaluation_items
     where evaluation_id = $1 order by ordinal`,
    [key.evaluationId],
  );
  expect(items.map(({ turns, output }) => [turns, output])).toEqual([
    [1, 'the answer'],
    [2, 'the answer'],
  ]);
  expect(items.every(({ cost, prompt_tokens: tokens }) => Number(cost) > 0 && tokens > 0)).toBe(true);
  const held = await h.query<{ title: string }>(`select title from conversations where evaluation_id = $1`, [
    key.evaluationId,
  ]);
  expect(held).toHaveLength(2);
  const everything = { userId: null, agentId: null, isArchived: null, beforeId: null, limit: 10 };
  expect(await h.database.inWorkspace(workspaceId, (em) => listConversations(em, everything))).toEqual([]);
  const [conversation] = await h.query<{ id: string }>(`select id from conversations where evaluation_id = $1`, [
    key.evaluationId,
  ]);
  const { taskQueue } = await h.client.workflow.getHandle(`conversation/${conversation!.id}`).describe();
  expect(taskQueue).toBe(taskQueues.evaluate);
});
