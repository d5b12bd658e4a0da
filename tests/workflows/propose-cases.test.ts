import { beforeEach, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { workflowIds } from '../../contracts/names/workflows.ts';
import {
  createProposal,
  endProposal,
  findProposal,
  type ProposalKey,
  type ProposalRow,
} from '../../entities/evaluations/case-proposal-repository.ts';
import { settleProposals } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import { createProposalStarter } from '../../platform/proposal-starter.ts';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';
import { mortalDatabase } from '../support/workspaces/mortal-database.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const h = evaluationHarness();
let datasetId: string;

const answer = (...questions: [string, string][]) =>
  JSON.stringify({ questions: questions.map(([question, quote]) => ({ question, answer: 'It is.', quote })) });

beforeEach(async () => {
  datasetId = v7();
  await h.query(`insert into evaluation_datasets (id, workspace_id, name) values ($1, $2, 'proposed')`, [
    datasetId,
    h.workspace.workspaceId,
  ]);
});

/** A served document of `chunks` passages; `userId` makes it one user's own. */
async function addDocument(title: string, chunks: number, userId: string | null = null): Promise<string> {
  const { workspaceId } = h.workspace;
  const id = v7();
  await h.query(
    `insert into documents (id, workspace_id, user_id, title, document_type, is_global, status, latest_generation,
       active_generation) values ($1, $2, $3, $4, 'text', $5, 'ready', 1, 1)`,
    [id, workspaceId, userId, title, userId === null],
  );
  await h.query(
    `insert into document_generations (document_id, generation, workspace_id, state, stage, workflow_id, mime_type,
       byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks)
     values ($1, 1, $2, 'active', 'done', 'test', 'text/plain', 1, '\\x00', 100, 0, $3)`,
    [id, workspaceId, chunks],
  );
  await h.query(
    `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count)
     select $1, $2, 1, n, 'Passage ' || n || ' of ' || $3 || ' says that it is so.', n * 100, n * 100 + 50, 20
     from generate_series(0, $4::integer - 1) n`,
    [workspaceId, id, title, chunks],
  );
  return id;
}

async function propose(passages: number, patience = 60): Promise<ProposalKey> {
  const { workspaceId, modelId } = h.workspace;
  const key = { workspaceId, proposalId: v7() };
  await h.database.inWorkspace(workspaceId, (em) =>
    createProposal(em, {
      ...key,
      ...{ datasetId, documents: null, knowledgeSourceId: null, passages, seed: 1 },
      configuration: {
        model: { id: modelId, name: 'chat', provider: 'openai', modelId: 'fake', updatedAt: '1' },
        ...{ questions: 2, instructions: null, tags: ['made'], patience_seconds: patience },
      },
    }),
  );
  await createProposalStarter(h.client).startProposal(key);
  return key;
}

const result = ({ proposalId }: ProposalKey) =>
  h.client.workflow.getHandle(workflowIds.proposeCases(proposalId)).result() as Promise<{ state: string }>;
const row = async ({ workspaceId, proposalId }: ProposalKey): Promise<ProposalRow> =>
  (await h.database.inWorkspace(workspaceId, (em) => findProposal(em, datasetId, proposalId)))!;
const cases = () =>
  h.query<{ id: string; state: string; input: { question: string }; expected_chunks: unknown[]; tags: string[] }>(
    `select id, state, input, expected_chunks, tags from evaluation_cases where dataset_id = $1 order by id`,
    [datasetId],
  );
const usage = ({ proposalId }: ProposalKey) =>
  h.query<{ id: string; state: string }>(`select id, state from usage_metrics where entity_id = $1`, [proposalId]);

test('a model asks about one passage of each document first, never of a single user’s; a person accepts', async () => {
  const first = await addDocument('A', 3);
  const second = await addDocument('B', 3);
  await addDocument('Secret', 3, h.workspace.userId);
  h.provider.control({
    default: { answer: answer(['Is it so?', 'it is so'], ['Who says it?', 'Nobody of this name']) },
  });
  const key = await propose(2);
  expect(await result(key)).toEqual({ state: 'completed' });
  expect(await row(key)).toMatchObject({ status: 'completed', passages: { done: 2 }, proposed: 1, refused: 2 });
  const [proposed, ...others] = await cases();
  expect(others).toEqual([]);
  expect(proposed).toMatchObject({ state: 'proposed', input: { question: 'Is it so?' }, tags: ['made'] });
  const asked = await h.query<{ document_id: string }>(
    `select document_id from case_proposal_passages where proposal_id = $1 order by document_id`,
    [key.proposalId],
  );
  expect(asked.map((passage) => passage.document_id)).toEqual([first, second].toSorted());
  expect(await usage(key)).toEqual([
    expect.objectContaining({ state: 'settled' }),
    expect.objectContaining({ state: 'settled' }),
  ]);
  const { workspaceId } = key;
  const accepted = await h.database.inWorkspace(workspaceId, (em) =>
    settleProposals(em, { workspaceId, datasetId, accept: [proposed!.id], reject: [] }),
  );
  expect(accepted).toBe(1);
  expect(await cases()).toMatchObject([{ state: 'accepted' }]);
});

test('a worker that dies again and again pays no answered call twice, and proposes each case once', async () => {
  await addDocument('A', 12);
  h.provider.control({ default: { answer: answer(['Is it so?', 'it is so'], ['Does it say that?', 'says that']) } });
  await h.worker.stop();
  let statements = 0;
  let deaths = 0;
  h.throughDatabase = (database) =>
    mortalDatabase(database, () => {
      statements += 1;
      if (deaths >= 3 || statements % 9 !== 0) return null;
      deaths += 1;
      return deaths % 2 === 0 ? 'before' : 'after';
    });
  h.worker = await h.startWorker();
  try {
    const key = await propose(12);
    expect(await result(key)).toEqual({ state: 'completed' });
    expect(deaths).toBe(3);
    expect(await row(key)).toMatchObject({ passages: { done: 12 }, proposed: 2, refused: 0 });
    expect(await cases()).toHaveLength(2);
    const log = h.provider.log();
    // A death repeats the call of its lane, if that was not yet committed.
    expect(log.length - 12).toBeLessThanOrEqual(deaths);
    const rows = await usage(key);
    expect(rows.filter(({ state }) => state === 'started')).toEqual([]);
    expect(rows.filter(({ state }) => state === 'settled')).toHaveLength(12);
    const booked = new Set(rows.map(({ id }) => id));
    for (const { idempotencyKey } of log) expect(booked).toContain(idempotencyKey);
  } finally {
    await h.worker.stop();
    h.throughDatabase = (database) => database;
    h.worker = await h.startWorker();
  }
});

test('a model that stays away leaves passages failed with the reason, and a document deleted meanwhile is not asked about', async () => {
  const gone = await addDocument('Gone', 1);
  await addDocument('A', 3);
  h.provider.control({ default: { failure: { kind: 'status', status: 500 } } });
  await h.query(`update models set is_active = true where id = $1`, [h.workspace.modelId]);
  const key = await propose(4, 1);
  await h.query(`update documents set active_generation = null, deleted_at = now() where id = $1`, [gone]);
  expect(await result(key)).toEqual({ state: 'completed' });
  const ended = await row(key);
  expect(ended).toMatchObject({ status: 'completed', passages: { failed: 4 }, proposed: 0 });
  expect(ended.faults[0]!.code).toMatch(/^(?:provider_|not_found)/);
  expect((await usage(key)).filter(({ state }) => state === 'started')).toEqual([]);
});

test('a cancel is final in the rows, whatever the step still does; what was proposed stays', async () => {
  await addDocument('A', 6);
  h.provider.control({ default: { answer: answer(['Is it so?', 'it is so']), firstTokenMs: 300 } });
  const key = await propose(6);
  await until(async () => (await row(key)).proposed > 0, { what: 'a case', timeoutMs: 30_000 });
  const error = { code: 'cancelled', detail: 'On request.' };
  const { workspaceId } = key;
  await h.database.inWorkspace(workspaceId, (em) => endProposal(em, key, { status: 'cancelled', error }));
  expect(await result(key)).toEqual({ state: 'gone' });
  const ended = await row(key);
  expect(ended).toMatchObject({ status: 'cancelled', proposed: 1, passages: { cancelled: expect.any(Number) } });
  expect(await cases()).toHaveLength(1);
});
