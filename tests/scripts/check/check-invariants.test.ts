import { execFile } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import type { Breach } from '../../../activities/invariants/breach.ts';
import { checkInvariants } from '../../../activities/invariants/check-invariants.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { testTemporal } from '../../support/servers/test-temporal.ts';
import { insertWholeRows, wholeRows } from './whole-rows.ts';

jest.setTimeout(120_000);
const rows = testDatabase();
const temporal = testTemporal();
const root = path.resolve(import.meta.dirname, '../../..');
let database: Database;
const ids = wholeRows;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  await insertWholeRows(database);
});
afterAll(() => database?.close());

/** Runs the check as it is shipped. */
function runCheck(): Promise<{ code: number; breaches: Breach[] }> {
  const args = [path.join(root, 'scripts/check/run-check.ts'), '--json', '--grace', '0'];
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    DATABASE_URL: rows.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
  };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      const code = error ? Number(error.code) : 0;
      if (code > 1) reject(new Error(stderr));
      else resolve({ code, breaches: (JSON.parse(stdout) as { breaches: Breach[] }).breaches });
    });
  });
}

/** The same checks in this process: starting one takes a second. */
const checkAgain = () => database.asOperator((em) => checkInvariants({ em, temporal: null, graceSeconds: 0 }));
const plant = (statement: string) => database.asOperator((em) => query(em, statement));

test('a database where everything holds has no breach, and the check ends with 0', async () => {
  expect(await runCheck()).toEqual({ code: 0, breaches: [] });
});

describe('a planted breach is found, with the row that has it', () => {
  const document = `document_id = '${ids.document}'`;
  const turn = `turn_id = '${ids.turn}'`;
  const evaluation = `evaluation_id = '${ids.evaluation}'`;
  const breaches: Array<{ invariant: number; what: string; id: string; planted: string; undone: string }> = [
    {
      invariant: 1,
      what: 'a document is processing, and no workflow owns it',
      id: ids.document,
      planted: `update documents set status = 'processing' where id = '${ids.document}'`,
      undone: `update documents set status = 'ready' where id = '${ids.document}'`,
    },
    {
      invariant: 2,
      what: 'an active generation lacks a chunk',
      id: ids.document,
      planted: `update document_generations set expected_chunks = 2 where ${document}`,
      undone: `update document_generations set expected_chunks = 1 where ${document}`,
    },
    {
      invariant: 2,
      what: 'a chunk lacks its embedding',
      id: ids.document,
      planted: `delete from chunk_embeddings where ${document}`,
      undone: `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
        select '${ids.model}', workspace_id, document_id, generation, chunk_index, array_fill(0.05::real, array[384])::vector
        from document_chunks where ${document}`,
    },
    {
      invariant: 1,
      what: 'an older generation is under way, and no workflow works on it',
      id: ids.document,
      planted: `insert into document_generations (workspace_id, document_id, generation, workflow_id, mime_type, byte_size, content_hash, chunk_size, chunk_overlap) select workspace_id, document_id, 2, 'ingest/x/2', mime_type, 1, content_hash, 200, 32 from document_generations where ${document}`,
      undone: `delete from document_generations where document_id = '${ids.document}' and generation = 2`,
    },
    {
      invariant: 6,
      what: 'a call for a document is open after its ingestion',
      id: ids.usage,
      planted: `update usage_metrics set state = 'started', entity_type = 'document', entity_id = '${ids.document}', turn_id = null where id = '${ids.usage}'`,
      undone: `update usage_metrics set state = 'settled', entity_type = 'agent', turn_id = '${ids.turn}' where id = '${ids.usage}'`,
    },
    {
      invariant: 6,
      what: 'a call about a memory is open for hours',
      id: ids.usage,
      planted: `update usage_metrics set state = 'started', entity_type = 'memory', turn_id = null, "timestamp" = now() - interval '4 hours' where id = '${ids.usage}'`,
      undone: `update usage_metrics set state = 'settled', entity_type = 'agent', turn_id = '${ids.turn}', "timestamp" = now() where id = '${ids.usage}'`,
    },
    {
      invariant: 9,
      what: 'an active generation is said to be indexed, and is not',
      id: ids.document,
      planted: `update document_generations set language = 'en' where ${document}`,
      undone: `update document_generations set language = null where ${document}`,
    },
    {
      invariant: 3,
      what: 'search serves the chunks of a generation that failed',
      id: ids.document,
      planted: `update document_generations set state = 'failed' where ${document}`,
      undone: `update document_generations set state = 'active' where ${document}`,
    },
    {
      invariant: 4,
      what: 'an acknowledged message has no turn',
      id: ids.question,
      planted: `update messages set sender = 'user' where id = '${ids.answer}'; update turns set assistant_message_id = null where id = '${ids.turn}'`,
      undone: `update messages set sender = 'assistant' where id = '${ids.answer}'; update turns set assistant_message_id = '${ids.answer}' where id = '${ids.turn}'`,
    },
    {
      invariant: 4,
      what: 'the stored answer is not what was streamed',
      id: ids.question,
      planted: `update messages set content = 'Another answer' where id = '${ids.answer}'`,
      undone: `update messages set content = 'An answer' where id = '${ids.answer}'`,
    },
    {
      invariant: 6,
      what: 'a paid call has no usage row',
      id: ids.turn,
      planted: `update usage_metrics set attempt = 2 where ${turn}`,
      undone: `update usage_metrics set attempt = 1 where ${turn}`,
    },
    {
      invariant: 6,
      what: 'unknown usage has figures',
      id: ids.usage,
      planted: `update usage_metrics set state = 'unknown' where ${turn}`,
      undone: `update usage_metrics set state = 'settled' where ${turn}`,
    },
    {
      invariant: 8,
      what: 'a job says that it is done, its documents do not',
      id: ids.job,
      planted: `update ingestion_jobs set status = 'processing', processed_documents = 0 where id = '${ids.job}'`,
      undone: `update ingestion_jobs set status = 'completed', processed_documents = 1 where id = '${ids.job}'`,
    },
    {
      invariant: 5,
      what: 'a call was run without its approval',
      id: ids.call,
      planted: `update approvals set state = 'denied' where tool_call_id = '${ids.call}'`,
      undone: `update approvals set state = 'approved' where tool_call_id = '${ids.call}'`,
    },
    {
      invariant: 5,
      what: 'a call is left open by a turn that has ended',
      id: ids.call,
      planted: `update tool_calls set state = 'approved', finished_at = null where id = '${ids.call}'`,
      undone: `update tool_calls set state = 'succeeded', finished_at = now() where id = '${ids.call}'`,
    },
    {
      invariant: 5,
      what: 'a turn waits for no person',
      id: ids.turn,
      planted: `update turns set state = 'waiting' where id = '${ids.turn}'`,
      undone: `update turns set state = 'completed' where id = '${ids.turn}'`,
    },
    ...(['accepted', 'running'] as const).map((state) => ({
      invariant: 8,
      what: `a sync is ${state}, and no workflow works on it`,
      id: ids.sync,
      planted: `insert into source_syncs (id, workspace_id, knowledge_source_id, kind, trigger, state, created_at) select '${ids.sync}', workspace_id, id, 'full', 'request', '${state}', now() - interval '1 hour' from knowledge_sources where id = '${ids.source}'`,
      undone: `delete from source_syncs where id = '${ids.sync}'`,
    })),
    ...(['running', 'completed'] as const).map((state) => ({
      invariant: 8,
      what: `a move to another model is ${state} and not cleared up, and no workflow works on it`,
      id: ids.move,
      planted: `insert into embedding_moves (id, workspace_id, knowledge_source_id, model_id, state, created_at) select '${ids.move}', workspace_id, id, '${ids.model}', '${state}', now() - interval '1 hour' from knowledge_sources where id = '${ids.source}'`,
      undone: `delete from embedding_moves where id = '${ids.move}'`,
    })),
    {
      invariant: 7,
      what: 'a finished run has an item without a result',
      id: ids.evaluation,
      planted: `update evaluation_results set metric = 'other' where ${evaluation}; insert into evaluation_results select evaluation_id, ordinal, 'second', workspace_id, state, score, reason, details, metric_hash from evaluation_results where ${evaluation}`,
      undone: `delete from evaluation_results where metric = 'second'; update evaluation_results set metric = 'grade' where ${evaluation}`,
    },
    {
      invariant: 7,
      what: 'a finished run has an item that has not ended',
      id: ids.evaluation,
      planted: `update evaluation_items set state = 'scoring' where ${evaluation}`,
      undone: `update evaluation_items set state = 'done' where ${evaluation}`,
    },
    {
      invariant: 7,
      what: 'the verdict is not what the gates come to',
      id: ids.evaluation,
      planted: `update evaluations set verdict = 'failed' where id = '${ids.evaluation}'`,
      undone: `update evaluations set verdict = 'passed' where id = '${ids.evaluation}'`,
    },
    {
      invariant: 7,
      what: 'a run without gates passed, and a score is missing',
      id: ids.evaluation,
      planted: `update evaluations set verdict_reasons = '[]' where id = '${ids.evaluation}'; update evaluation_results set state = 'unscored', score = null, reason = 'away' where ${evaluation}`,
      undone: `update evaluations set verdict_reasons = '[{"gate": "grade>=1", "state": "passed"}]' where id = '${ids.evaluation}'; update evaluation_results set state = 'scored', score = 1, reason = null where ${evaluation}`,
    },
    {
      invariant: 7,
      what: 'a case is paid for again after it was committed',
      id: ids.evaluation,
      planted: `update usage_metrics set "timestamp" = now() + interval '1 minute' where id = '${ids.targetCall}'`,
      undone: `update usage_metrics set "timestamp" = now() - interval '1 hour' where id = '${ids.targetCall}'`,
    },
    {
      invariant: 7,
      what: 'a judge is asked again after it has answered',
      id: ids.evaluation,
      planted: `insert into evaluation_calls select '${ids.proposal}', workspace_id, evaluation_id, ordinal, metric, position, 2, state, request, request_hash, answer from evaluation_calls where ${evaluation}`,
      undone: `delete from evaluation_calls where id = '${ids.proposal}'`,
    },
    {
      invariant: 7,
      what: 'a call is open, and its run has ended',
      id: ids.judgeCall,
      planted: `update usage_metrics set state = 'started', total_tokens = null where id = '${ids.judgeCall}'`,
      undone: `update usage_metrics set state = 'settled', total_tokens = 3 where id = '${ids.judgeCall}'`,
    },
    {
      invariant: 8,
      what: 'a run of evaluations is under way, and no workflow works on it',
      id: ids.evaluation,
      planted: `update evaluations set status = 'running', created_at = now() - interval '1 hour' where id = '${ids.evaluation}'`,
      undone: `update evaluations set status = 'completed' where id = '${ids.evaluation}'`,
    },
    {
      invariant: 8,
      what: 'a proposal of cases is under way, and no workflow works on it',
      id: ids.proposal,
      planted: `update case_proposals set status = 'queued' where id = '${ids.proposal}'`,
      undone: `update case_proposals set status = 'completed' where id = '${ids.proposal}'`,
    },
    {
      invariant: 8,
      what: 'a turn says that it runs, Temporal does not',
      id: ids.turn,
      planted: `update turns set state = 'running' where id = '${ids.turn}'`,
      undone: `update turns set state = 'completed' where id = '${ids.turn}'`,
    },
  ];
  test.each(breaches)('$invariant: $what', async ({ invariant, id, planted, undone }) => {
    for (const statement of planted.split('; ')) await plant(statement);
    try {
      const { code, breaches: found } = await runCheck();
      expect(code).toBe(1);
      expect(found).toContainEqual(expect.objectContaining({ invariant, id }));
    } finally {
      for (const statement of undone.split('; ')) await plant(statement);
    }
    expect(await checkAgain()).toEqual([]);
  });

  test('9: statistics of terms that no chunk has', async () => {
    const [workspace] = await database.asOperator((em) =>
      query<{ id: string }>(em, `select workspace_id as id from documents where id = $1`, [ids.document]),
    );
    const values = `values ('${workspace!.id}', 7, 1, 1)`;
    await plant(`insert into term_statistics (workspace_id, key, documents, chunks) ${values}`);
    await plant(`insert into lexical_collections (workspace_id, language, documents, chunks, terms)
                 values ('${workspace!.id}', 'en', 1, 1, 1)`);
    try {
      const { code, breaches: found } = await runCheck();
      expect(code).toBe(1);
      expect(found.map(({ invariant, id }) => [invariant, id])).toEqual([
        [9, workspace!.id],
        [9, workspace!.id],
      ]);
    } finally {
      await plant(`delete from term_statistics`);
      await plant(`delete from lexical_collections`);
    }
    expect(await checkAgain()).toEqual([]);
  });

  test('2: what is kept for nothing: a vector, a password, a claim, bytes', async () => {
    const first = `from document_generations where ${document} and generation = 1`;
    const columns =
      'workspace_id, document_id, generation, workflow_id, mime_type, byte_size, content_hash, chunk_size, chunk_overlap';
    const planted = [
      `insert into embedding_cache (workspace_id, model_id, content_hash, document_id, embedding)
       select workspace_id, model_id, '\\x01', document_id, embedding from chunk_embeddings where ${document}`,
      `update document_generations set password_sealed = 'sealed:x' where ${document}`,
      `insert into embedding_claims (workspace_id, model_id, content_hash, document_id, generation, first_chunk, expires_at)
       select workspace_id, '${ids.model}', '\\x01', document_id, 1, 0, now() - interval '1 hour' ${first}`,
      `insert into document_generations (${columns}, state, completed_at)
       select workspace_id, document_id, 2, 'ingest/x/2', mime_type, 1, content_hash, 200, 32, 'failed',
              now() - interval '1 hour' ${first}`,
      `insert into blobs (workspace_id, document_id, generation, part, bytes)
       select workspace_id, document_id, 2, 0, '\\x01' ${first}`,
    ];
    const undone = [
      `delete from embedding_cache where ${document}`,
      `update document_generations set password_sealed = null where ${document}`,
      `delete from embedding_claims where ${document}`,
      `delete from document_generations where ${document} and generation > 1`,
      `update documents set latest_generation = 1 where id = '${ids.document}'`,
    ];
    for (const statement of planted) await plant(statement);
    try {
      await plant(`update documents set latest_generation = 3 where id = '${ids.document}'`);
      const { code, breaches: found } = await runCheck();
      expect(code).toBe(1);
      const details = found.filter(({ id }) => id === ids.document).map(({ detail }) => detail);
      for (const detail of [
        /password is kept/,
        /parts of bytes are left of generation 2: 1$/,
        /claims on texts .*: 1$/,
      ])
        expect(details).toContainEqual(expect.stringMatching(detail));
      await plant(`update documents set latest_generation = 1 where id = '${ids.document}'`);
      const again = (await runCheck()).breaches.map(({ detail }) => detail);
      expect(again).toContainEqual(expect.stringMatching(/vectors are kept for it \(1\), though it is served/));
    } finally {
      for (const statement of undone) await plant(statement);
    }
    expect(await checkAgain()).toEqual([]);
  });
});
