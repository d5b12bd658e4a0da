import type { EntityManager } from '@mikro-orm/postgresql';
import { v7 } from 'uuid';
import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import { createConversation, createWorkspace } from '../../support/workspaces/create-workspace.ts';

/** The keys of the rows that `insertWholeRows` makes. */
export const wholeRows = {
  document: v7(),
  model: v7(),
  turn: v7(),
  question: v7(),
  answer: v7(),
  job: v7(),
  usage: v7(),
  call: v7(),
  source: v7(),
  sync: v7(),
  move: v7(),
  evaluation: v7(),
  judgeCall: v7(),
  targetCall: v7(),
  proposal: v7(),
};

const ids = wholeRows;

/** Makes a workspace with a row of everything that invariants are about, in which all of them hold. */
export async function insertWholeRows(database: Database): Promise<void> {
  const workspace = await createWorkspace(database);
  const conversation = await createConversation(database, workspace);
  await database.asOperator(async (em) => {
    const { workspaceId, agentId, modelId } = workspace;
    await query(
      em,
      `insert into models (id, workspace_id, name, kind, provider, model_id, dimensions)
       values ($1, $2, 'embedding', 'embedding', 'local', 'all-MiniLM-L6-v2', 384)`,
      [ids.model, workspaceId],
    );
    await query(em, `select register_embedding_model($1)`, [ids.model]);
    await query(em, `insert into rag_tools (id, workspace_id, name, embedding_model_id) values ($1, $2, 'tool', $3)`, [
      v7(),
      workspaceId,
      ids.model,
    ]);
    await query(em, `insert into knowledge_sources (id, workspace_id, name, type) values ($1, $2, 'source', 'file')`, [
      ids.source,
      workspaceId,
    ]);
    await query(
      em,
      `insert into ingestion_jobs (id, workspace_id, status, total_documents, processed_documents)
       values ($1, $2, 'completed', 1, 1)`,
      [ids.job, workspaceId],
    );
    await query(
      em,
      `insert into documents (id, workspace_id, title, document_type, is_global, status, latest_generation, active_generation)
       values ($1, $2, 'Whole', 'text', true, 'ready', 1, 1)`,
      [ids.document, workspaceId],
    );
    await query(
      em,
      `insert into document_generations (workspace_id, document_id, generation, job_id, state, stage, workflow_id, mime_type,
         byte_size, content_hash, content, chunk_size, chunk_overlap, expected_chunks, embedded_chunks)
       values ($1, $2, 1, $3, 'active', 'done', 'ingest/x/1', 'text/plain', 9, '\\x00', 'two words', 200, 32, 1, 1)`,
      [workspaceId, ids.document, ids.job],
    );
    await query(
      em,
      `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count)
       values ($1, $2, 1, 0, 'two words', 0, 9, 2)`,
      [workspaceId, ids.document],
    );
    await query(
      em,
      `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
       values ($1, $2, $3, 1, 0, array_fill(0.05::real, array[384])::vector)`,
      [ids.model, workspaceId, ids.document],
    );
    await query(
      em,
      `insert into messages (id, workspace_id, conversation_id, sequence, sender, content, parent_id)
       values ($1, $3, $4, 1, 'user', 'Q', null), ($2, $3, $4, 2, 'assistant', 'An answer', $1)`,
      [ids.question, ids.answer, workspaceId, conversation],
    );
    await query(
      em,
      `insert into turns (id, workspace_id, conversation_id, user_message_id, assistant_message_id, agent_id, agent_version,
         model_id, state, attempt, workflow_id, completed_at)
       values ($1, $2, $3, $4, $5, $6, 1, $7, 'completed', 1, $8, now())`,
      [ids.turn, workspaceId, conversation, ids.question, ids.answer, agentId, modelId, `conversation/${conversation}`],
    );
    await query(
      em,
      `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data)
       values ($1, $2, 1, 1, 'turn_started', '{}'), ($1, $2, 2, 1, 'text_delta', '{"text": "An "}'),
              ($1, $2, 3, 1, 'text_delta', '{"text": "answer"}'), ($1, $2, 4, 1, 'done', '{}')`,
      [workspaceId, ids.turn],
    );
    await query(
      em,
      `insert into turn_steps (workspace_id, turn_id, step, kind, state, attempt) values ($1, $2, 1, 'model', 'succeeded', 1)`,
      [workspaceId, ids.turn],
    );
    await query(
      em,
      `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, turn_id, step, attempt, state,
         prompt_tokens, completion_tokens, total_tokens)
       values ($1, $2, 'agent', $3, $4, $5, 1, 1, 'settled', 1, 2, 3)`,
      [ids.usage, workspaceId, agentId, modelId, ids.turn],
    );
    await query(
      em,
      `insert into tool_calls (id, workspace_id, conversation_id, turn_id, step, position, provider_call_id, tool_name, effect,
         idempotent, timeout_ms, max_result_bytes, arguments_hash, state, attempts, finished_at)
       values ($1, $2, $3, $4, 1, 0, 'call_1', 'pay', 'write', false, 1000, 1000, 'x', 'succeeded', 1, now())`,
      [ids.call, workspaceId, conversation, ids.turn],
    );
    await insertEvaluation(em, workspace);
    await query(
      em,
      `insert into approvals (id, workspace_id, tool_call_id, state, arguments_hash, expires_at, decided_at)
       values ($1, $2, $3, 'approved', 'x', now(), now())`,
      [v7(), workspaceId, ids.call],
    );
  });
}

/** A finished run of one case, whose target and judge were paid once, and a proposal that has ended. */
async function insertEvaluation(
  em: EntityManager,
  { workspaceId, modelId }: { workspaceId: string; modelId: string },
): Promise<void> {
  const [dataset, one] = [v7(), v7()];
  const made = [ids.evaluation, workspaceId];
  await query(em, `insert into evaluation_datasets (id, workspace_id, name, version) values ($1, $2, 'data', 1)`, [
    dataset,
    workspaceId,
  ]);
  await query(
    em,
    `insert into evaluation_cases (id, workspace_id, dataset_id, case_key, position, first_version, input, content_hash)
     values ($1, $2, $3, 'one', 0, 1, '{"question": "Q"}', 'x')`,
    [one, workspaceId, dataset],
  );
  await query(
    em,
    `insert into evaluations (id, workspace_id, name, type, dataset_id, dataset_version, status, verdict, verdict_reasons,
       configuration, completed_at)
     values ($1, $2, 'run', 'prompt_template', $3, 1, 'completed', 'passed', '[{"gate": "grade>=1", "state": "passed"}]',
             '{"metrics": [{"label": "grade"}]}', now())`,
    [...made, dataset],
  );
  await query(
    em,
    `insert into evaluation_items (evaluation_id, ordinal, workspace_id, case_id, case_key, variant, repetition, state,
       attempt, item_hash, completed_at)
     values ($1, 0, $2, $3, 'one', 0, 0, 'done', 1, 'x', now())`,
    [...made, one],
  );
  await query(
    em,
    `insert into evaluation_results (evaluation_id, ordinal, metric, workspace_id, state, score, metric_hash)
     values ($1, 0, 'grade', $2, 'scored', 1, 'x')`,
    made,
  );
  await query(
    em,
    `insert into evaluation_calls (id, workspace_id, evaluation_id, ordinal, metric, position, attempt, state, request,
       request_hash, answer)
     values ($3, $2, $1, 0, 'grade', 0, 1, 'answered', '{}', 'x', '{}')`,
    [...made, ids.judgeCall],
  );
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, state, total_tokens,
       "timestamp")
     values ($3, $2, 'evaluation', $1, $5, 0, 1, 'settled', 3, now() - interval '1 minute'),
            ($4, $2, 'evaluation', $1, $5, 0, 1, 'settled', 3, now() - interval '1 minute')`,
    [...made, ids.judgeCall, ids.targetCall, modelId],
  );
  await query(
    em,
    `insert into case_proposals (id, workspace_id, dataset_id, status, configuration, created_at, completed_at)
     values ($1, $2, $3, 'completed', '{}', now() - interval '1 hour', now())`,
    [ids.proposal, workspaceId, dataset],
  );
}
