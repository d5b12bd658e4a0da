import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { lockEmbeddingModels } from './embedding-model-repository.ts';

/** A move of documents to another embedding model. */
export type MoveKey = { workspaceId: string; moveId: string };

/** What is moved: the tools of a source, or one tool and the source that it reads (null for everything). */
export type MoveScope = { knowledgeSourceId: string | null; ragToolId: string | null };

/** A move as it stands. */
export type MoveRow = MoveScope & {
  id: string;
  modelId: string;
  modelName: string;
  state: 'accepted' | 'running' | 'completed' | 'failed' | 'cancelled';
  totalDocuments: number;
  doneDocuments: number;
  isCleared: boolean;
  error: { code: string; detail: string } | null;
  createdAt: Date;
  startedAt: Date | null;
  completedAt: Date | null;
};

const columns = `v.id, v.knowledge_source_id as "knowledgeSourceId", v.rag_tool_id as "ragToolId",
  v.model_id as "modelId", (select m.name from models m where m.id = v.model_id) as "modelName", v.state,
  v.total_documents as "totalDocuments", v.done_documents as "doneDocuments", v.is_cleared as "isCleared", v.error,
  v.created_at as "createdAt", v.started_at as "startedAt", v.completed_at as "completedAt"`;

/** Documents that a move `v` is about, as a condition on their alias `d`. */
const inScope = `d.workspace_id = v.workspace_id and d.active_generation is not null and d.deleted_at is null
  and (v.knowledge_source_id is null or d.knowledge_source_id = v.knowledge_source_id)`;

/**
 * Writes a move, unless one of the same scope is under way, which is then returned. From its commit on no generation is
 * published without vectors of the new model: the lock has waited for those that were about to be.
 */
export async function requestMove(
  em: EntityManager,
  request: MoveKey & MoveScope & { modelId: string },
): Promise<{ outcome: 'started' | 'running'; move: MoveRow }> {
  await lockEmbeddingModels(em, request.workspaceId, 'exclusive');
  const running = await findMove(em, request);
  if (running && (running.state === 'accepted' || running.state === 'running')) {
    return { outcome: 'running', move: running };
  }
  await query(
    em,
    `insert into embedding_moves (id, workspace_id, knowledge_source_id, rag_tool_id, model_id)
     values ($1, $2, $3, $4, $5)`,
    [request.moveId, request.workspaceId, request.knowledgeSourceId, request.ragToolId, request.modelId],
  );
  return { outcome: 'started', move: (await findMove(em, request))! };
}

/** The newest move of a tool, or of a source's tools together. */
export async function findMove(em: EntityManager, scope: MoveScope): Promise<MoveRow | null> {
  const [row] = await query<MoveRow>(
    em,
    `select ${columns} from embedding_moves v
     where case when $2::uuid is null then v.rag_tool_id is null and v.knowledge_source_id = $1 else v.rag_tool_id = $2 end
     order by v.created_at desc, v.id desc limit 1`,
    [scope.knowledgeSourceId, scope.ragToolId],
  );
  return row ?? null;
}

/** The tools that a move of this scope would switch. */
export async function readMovedTools(
  em: EntityManager,
  { knowledgeSourceId, ragToolId }: MoveScope,
): Promise<{ name: string; chunkSize: number }[]> {
  return query(
    em,
    `select name, chunk_size as "chunkSize" from rag_tools
     where deleted_at is null and knowledge_source_id is not distinct from $1 and ($2::uuid is null or id = $2)
     order by chunk_size desc`,
    [knowledgeSourceId, ragToolId],
  );
}

/** Tokens that the largest served chunks of a scope may have: the sizes that their documents were cut with. */
export async function largestChunk(em: EntityManager, { knowledgeSourceId }: MoveScope): Promise<number> {
  const [row] = await query<{ largest: number }>(
    em,
    `select coalesce(max(g.chunk_size), 0) as largest
     from documents d join document_generations g on g.document_id = d.id and g.generation = d.active_generation
     where d.deleted_at is null and ($1::uuid is null or d.knowledge_source_id = $1)`,
    [knowledgeSourceId],
  );
  return row!.largest;
}

/** Whether a document that a tool reads lacks the vectors of its model. */
export async function lacksVectors(
  em: EntityManager,
  {
    workspaceId,
    knowledgeSourceId,
    modelId,
  }: { workspaceId: string; knowledgeSourceId: string | null; modelId: string },
): Promise<boolean> {
  const [row] = await query<{ lacks: boolean }>(
    em,
    `select exists (
       select from documents d
       where d.workspace_id = $1 and d.active_generation is not null and d.deleted_at is null
         and ($2::uuid is null or d.knowledge_source_id = $2)
         and not exists (
           select from chunk_embeddings e
           where e.model_id = $3 and e.workspace_id = $1 and e.document_id = d.id
             and e.generation = d.active_generation)) as lacks`,
    [workspaceId, knowledgeSourceId, modelId],
  );
  return row!.lacks;
}

/**
 * Lets a move begin, or go on. `clear` where only the clearing is left; null when nothing is, or its source was deleted.
 */
export async function beginMove(
  em: EntityManager,
  key: MoveKey,
): Promise<{ phase: 'embed' | 'clear'; modelId: string } | null> {
  const [row] = await query<{ state: MoveRow['state']; modelId: string; isCleared: boolean; isGone: boolean }>(
    em,
    `select v.state, v.model_id as "modelId", v.is_cleared as "isCleared",
            exists (select from knowledge_sources k
                    where k.id = v.knowledge_source_id and k.deleted_at is not null) as "isGone"
     from embedding_moves v where v.workspace_id = $1 and v.id = $2 for update`,
    [key.workspaceId, key.moveId],
  );
  if (!row || (row.state !== 'accepted' && row.state !== 'running')) {
    return row && !row.isCleared ? { phase: 'clear', modelId: row.modelId } : null;
  }
  if (row.isGone) {
    await endMove(em, key, { state: 'cancelled', error: { code: 'cancelled', detail: 'The source was deleted.' } });
    return { phase: 'clear', modelId: row.modelId };
  }
  await query(
    em,
    `update embedding_moves v
     set state = 'running', started_at = coalesce(v.started_at, now()), updated_at = now(),
         total_documents = (select count(*) from documents d where ${inScope})
     where v.workspace_id = $1 and v.id = $2`,
    [key.workspaceId, key.moveId],
  );
  return { phase: 'embed', modelId: row.modelId };
}

/** A document to embed, as far as its served generation goes. */
export type DocumentToMove = { documentId: string; generation: number; chunks: number };

/** The next documents of a running move, ascending by id; null if it does not run any more. */
export async function readDocumentsToMove(
  em: EntityManager,
  key: MoveKey,
  limit: number,
): Promise<DocumentToMove[] | null> {
  const [move] = await query(
    em,
    `select id from embedding_moves where workspace_id = $1 and id = $2 and state = 'running' for key share`,
    [key.workspaceId, key.moveId],
  );
  if (!move) return null;
  return query<DocumentToMove>(
    em,
    `select d.id as "documentId", d.active_generation as generation, g.expected_chunks as chunks
     from embedding_moves v
     join documents d on ${inScope} and (v.after_document_id is null or d.id > v.after_document_id)
     join document_generations g on g.document_id = d.id and g.generation = d.active_generation
     where v.workspace_id = $1 and v.id = $2
     order by d.id limit $3`,
    [key.workspaceId, key.moveId, limit],
  );
}

/** Notes that the documents up to this one are done. */
export async function advanceMove(
  em: EntityManager,
  key: MoveKey,
  { upTo, documents }: { upTo: string; documents: number },
): Promise<void> {
  await query(
    em,
    `update embedding_moves
     set after_document_id = $3, done_documents = done_documents + $4, updated_at = now()
     where workspace_id = $1 and id = $2 and state = 'running'
       and (after_document_id is null or after_document_id < $3)`,
    [key.workspaceId, key.moveId, upTo, documents],
  );
}

/**
 * Holds a served generation for a transaction's writes; false once another is served or the move has ended. Whoever ends
 * the move waits for this transaction.
 */
export async function holdMovedGeneration(
  em: EntityManager,
  key: MoveKey & { documentId: string; generation: number },
): Promise<boolean> {
  const rows = await query(
    em,
    `select g.generation from embedding_moves v
     join document_generations g on g.workspace_id = v.workspace_id and g.document_id = $3 and g.generation = $4
     where v.workspace_id = $1 and v.id = $2 and v.state = 'running' and g.state = 'active'
     for share of v for key share of g`,
    [key.workspaceId, key.moveId, key.documentId, key.generation],
  );
  return rows.length > 0;
}

/** How an attempt to switch ended; `incomplete` begins another pass over the documents. */
export type Switching =
  | { state: 'switched'; tools: number }
  | { state: 'incomplete'; missing: number; passes: number }
  | { state: 'gone' };

/**
 * Lets the tools search by the new model, if no served chunk lacks its vector: counted and switched in one transaction,
 * while nothing can be published. Asked again it gives the same answer.
 */
export async function switchTools(em: EntityManager, key: MoveKey): Promise<Switching> {
  await lockEmbeddingModels(em, key.workspaceId, 'exclusive');
  const [move] = await query<{ state: MoveRow['state'] }>(
    em,
    `select state from embedding_moves where workspace_id = $1 and id = $2 for update`,
    [key.workspaceId, key.moveId],
  );
  if (move?.state === 'completed') return { state: 'switched', tools: 0 };
  if (move?.state !== 'running') return { state: 'gone' };
  const [counted] = await query<{ missing: number }>(
    em,
    `select count(*)::integer as missing
     from embedding_moves v join documents d on ${inScope}
     join document_chunks c on c.workspace_id = d.workspace_id and c.document_id = d.id and c.generation = d.active_generation
     where v.workspace_id = $1 and v.id = $2 and not exists (
       select from chunk_embeddings e
       where e.model_id = v.model_id and e.workspace_id = c.workspace_id and e.document_id = c.document_id
         and e.generation = c.generation and e.chunk_index = c.chunk_index)`,
    [key.workspaceId, key.moveId],
  );
  if (counted!.missing > 0) {
    const [again] = await query<{ passes: number }>(
      em,
      `update embedding_moves set after_document_id = null, done_documents = 0, passes = passes + 1, updated_at = now()
       where workspace_id = $1 and id = $2 returning passes`,
      [key.workspaceId, key.moveId],
    );
    return { state: 'incomplete', missing: counted!.missing, passes: again!.passes };
  }
  const tools = await query(
    em,
    `update rag_tools r set embedding_model_id = v.model_id, updated_at = now()
     from embedding_moves v
     where v.workspace_id = $1 and v.id = $2 and r.workspace_id = $1 and r.deleted_at is null
       and r.knowledge_source_id is not distinct from v.knowledge_source_id
       and (v.rag_tool_id is null or r.id = v.rag_tool_id)
     returning r.id`,
    [key.workspaceId, key.moveId],
  );
  await endMove(em, key, { state: 'completed', error: null });
  return { state: 'switched', tools: tools.length };
}

/**
 * Ends a move that has not ended; false if it had, in another way. Asked again, as after an answer that was lost, it says
 * the same. What the move was about to pay for is marked as unknown, and nothing that another one is. A failed one keeps
 * its vectors, which the next attempt need not pay for again.
 */
export async function endMove(
  em: EntityManager,
  key: MoveKey,
  end: { state: 'completed' | 'failed' | 'cancelled'; error: { code: string; detail: string } | null },
): Promise<boolean> {
  const [ended] = await query(
    em,
    `update embedding_moves
     set state = $3, error = $4, completed_at = now(), started_at = coalesce(started_at, now()), updated_at = now(),
         is_cleared = $3 = 'failed'
     where workspace_id = $1 and id = $2 and state in ('accepted', 'running') returning id`,
    [key.workspaceId, key.moveId, end.state, end.error && JSON.stringify(end.error)],
  );
  if (!ended) {
    const [row] = await query<{ state: string }>(
      em,
      `select state from embedding_moves where workspace_id = $1 and id = $2`,
      [key.workspaceId, key.moveId],
    );
    return row?.state === end.state;
  }
  await query(
    em,
    `update usage_metrics u set state = 'unknown', settled_at = now()
     from embedding_moves v join documents d on ${inScope}
     where v.workspace_id = $1 and v.id = $2 and u.workspace_id = $1 and u.model_id = v.model_id
       and u.entity_type = 'document' and u.entity_id = d.id and u.state = 'started'
       and not exists (select from document_generations g where g.document_id = d.id and g.state = 'staging')`,
    [key.workspaceId, key.moveId],
  );
  return true;
}

/**
 * Deletes vectors that nothing reads any more, of the next documents after this one; returns the last of them, null at
 * the end. Needed are those of the workspace's oldest model, of the tools that read the document, and of moves under way.
 */
export async function clearUnreadVectors(
  em: EntityManager,
  key: MoveKey,
  { after, limit }: { after: string | null; limit: number },
): Promise<{ last: string | null; deleted: number }> {
  // A tool or a move that asks for these vectors meanwhile waits for this transaction, and then finds them missing.
  await lockEmbeddingModels(em, key.workspaceId, 'shared');
  const [row] = await query<{ last: string | null; deleted: number }>(
    em,
    `with next as materialized (
       select d.id, d.knowledge_source_id as source, d.active_generation as generation
       from embedding_moves v join documents d on ${inScope}
       where v.workspace_id = $1 and v.id = $2 and ($3::uuid is null or d.id > $3) order by d.id limit $4),
     deleted as (
       delete from chunk_embeddings e using next n
       where e.workspace_id = $1 and e.document_id = n.id and e.generation = n.generation
         and e.model_id <> (
           select m.id from models m
           where m.workspace_id = $1 and m.kind = 'embedding' and m.is_active and m.deleted_at is null
           order by m.created_at, m.id limit 1)
         and not exists (
           select from rag_tools r
           where r.workspace_id = $1 and r.deleted_at is null and r.embedding_model_id = e.model_id
             and (r.knowledge_source_id is null or r.knowledge_source_id = n.source))
         and not exists (
           select from embedding_moves o
           where o.workspace_id = $1 and o.state in ('accepted', 'running') and o.model_id = e.model_id
             and (o.knowledge_source_id is null or o.knowledge_source_id = n.source))
       returning 1)
     select (select id from next order by id desc limit 1) as last, (select count(*) from deleted)::integer as deleted`,
    [key.workspaceId, key.moveId, after, limit],
  );
  return row!;
}

/** Notes that the clearing after a move is done. */
export async function finishClearing(em: EntityManager, key: MoveKey): Promise<void> {
  await query(
    em,
    `update embedding_moves set is_cleared = true, updated_at = now() where workspace_id = $1 and id = $2`,
    [key.workspaceId, key.moveId],
  );
}

/**
 * Finds moves that were accepted a few seconds ago and have not begun, and unfinished ones that have been silent for two
 * minutes; marks them, so that the next look leaves them alone for as long. For the operator role.
 */
export async function claimStrayMoves(em: EntityManager, limit: number): Promise<MoveKey[]> {
  return query<MoveKey>(
    em,
    `update embedding_moves v set updated_at = now()
     from (select id from embedding_moves
           where state = 'accepted' and updated_at < now() - interval '3 seconds'
              or (state = 'running' or not is_cleared) and updated_at < now() - interval '2 minutes'
           order by updated_at limit $1 for update skip locked) stray
     where v.id = stray.id returning v.workspace_id as "workspaceId", v.id as "moveId"`,
    [limit],
  );
}
