import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnEventKind } from '../../contracts/names/turn-events.ts';
import { query } from '../sql.ts';

/** The final message of a turn. Its text is what the stream log holds since the last reset: what clients have seen. */
export type AnswerToCommit = {
  workspaceId: string;
  conversationId: string;
  turnId: string;
  /** Made from the turn's id: a repeated commit meets its own row. */
  messageId: string;
  tokenCount: number | null;
  metadata: Record<string, unknown>;
};

/**
 * Locks conversation, then turn: the order of every transaction that needs both. Returns where the turn stands, or null if
 * it is gone.
 */
export async function lockConversationAndTurn(
  em: EntityManager,
  conversationId: string,
  turnId: string,
): Promise<{ state: string; attempt: number; step: number } | null> {
  const [turn] = await query<{ state: string; attempt: number; step: number }>(
    em,
    `with c as materialized (select id from conversations where id = $1 for update)
     select t.state, t.attempt, t.step from c join turns t on t.conversation_id = c.id where t.id = $2 for update of t`,
    [conversationId, turnId],
  );
  return turn ?? null;
}

// A reset drops what came before it, and says again what completed steps have said.
const streamedText = (turn: string) => `
  select coalesce(string_agg(e.data ->> 'text', '' order by e.seq), '') as text from turn_events e
  where e.turn_id = ${turn} and e.kind = 'text_delta' and e.seq > coalesce(
    (select max(r.seq) from turn_events r where r.turn_id = ${turn} and r.kind = 'reset'), 0)`;

/**
 * Writes the assistant's message with the next sequence of its conversation, and shows it unless somebody looks at another
 * branch; returns the sequence.
 */
export async function writeAnswer(em: EntityManager, answer: AnswerToCommit): Promise<number> {
  const [row] = await query<{ sequence: string }>(
    em,
    `with turn as (select user_message_id, kind, started_at from turns where id = $3),
     conversation as (
       update conversations c set last_sequence = last_sequence + 1, updated_at = now(),
              active_message_id = case
                when t.kind in ('regenerate', 'retry') or c.active_message_id is not distinct from t.user_message_id
                then $4 else c.active_message_id end
       from turn t where c.workspace_id = $1 and c.id = $2 returning c.last_sequence)
     insert into messages (id, workspace_id, conversation_id, sequence, parent_id, sender, content, token_count,
                           model_response_time, metadata)
     select $4, $1, $2, c.last_sequence, t.user_message_id, 'assistant', (${streamedText('$3')}),
            $5, extract(epoch from clock_timestamp() - t.started_at), $6
     from conversation c, turn t
     returning sequence`,
    [
      answer.workspaceId,
      answer.conversationId,
      answer.turnId,
      answer.messageId,
      answer.tokenCount,
      JSON.stringify(answer.metadata),
    ],
  );
  if (!row) throw new Error(`Turn ${answer.turnId} vanished while its answer was written`);
  return Number(row.sequence);
}

/** Text that the turn has streamed so far and that a watcher shows. */
export async function readStreamedText(em: EntityManager, turnId: string): Promise<string> {
  const [row] = await query<{ text: string }>(em, streamedText('$1'), [turnId]);
  return row?.text ?? '';
}

/** A citation to be stored with its message; the chunk was found at [startChar, endChar) of its generation's text. */
export type CitationToWrite = {
  position: number;
  marker: number;
  documentId: string;
  generation: number;
  chunkIndex: number;
  title: string;
  sourceUrl: string | null;
  startChar: number;
  endChar: number;
  quote: string;
  page: number | null;
  pageEnd: number | null;
  pageLabel: string | null;
  headings: readonly string[];
  embeddingModelId: string | null;
};

/**
 * Writes citations as snapshots. A chunk that a newer generation has replaced meanwhile leaves its reference null, but
 * the snapshot with its generation and offsets stays.
 */
export async function writeCitations(
  em: EntityManager,
  workspaceId: string,
  messageId: string,
  citations: readonly CitationToWrite[],
): Promise<void> {
  if (citations.length === 0) return;
  await query(
    em,
    `insert into citations (workspace_id, message_id, position, marker, document_id, generation, chunk_index, title,
                            source_url, start_char, end_char, quote, content_hash, embedding_model_id, page, page_end,
                            page_label, headings)
     select $1, $2, g.position, g.marker, g.document_id, g.generation, c.chunk_index, g.title, g.source_url,
            g.start_char, g.end_char, g.quote, sha256(convert_to(g.quote, 'UTF8')), g.embedding_model_id, g.page,
            g.page_end, g.page_label, g.headings
     from unnest($3::int[], $4::int[], $5::uuid[], $6::int[], $7::int[], $8::text[], $9::text[], $10::int[], $11::int[],
                 $12::text[], $13::uuid[], $14::int[], $15::int[], $16::text[], $17::jsonb[])
       as g (position, marker, document_id, generation, chunk_index, title, source_url, start_char, end_char, quote,
             embedding_model_id, page, page_end, page_label, headings)
     left join document_chunks c on c.workspace_id = $1 and c.document_id = g.document_id
       and c.generation = g.generation and c.chunk_index = g.chunk_index`,
    [
      workspaceId,
      messageId,
      citations.map((c) => c.position),
      citations.map((c) => c.marker),
      citations.map((c) => c.documentId),
      citations.map((c) => c.generation),
      citations.map((c) => c.chunkIndex),
      citations.map((c) => c.title),
      citations.map((c) => c.sourceUrl),
      citations.map((c) => c.startChar),
      citations.map((c) => c.endChar),
      citations.map((c) => c.quote),
      citations.map((c) => c.embeddingModelId),
      citations.map((c) => c.page),
      citations.map((c) => c.pageEnd),
      citations.map((c) => c.pageLabel),
      citations.map((c) => JSON.stringify(c.headings)),
    ],
  );
}

/** Ends a turn. The caller holds its lock and has written its message, if it has one. */
export async function endTurnRow(
  em: EntityManager,
  end: {
    turnId: string;
    state: 'completed' | 'failed' | 'cancelled';
    messageId: string | null;
    error: { code: string; detail: string } | null;
  },
): Promise<void> {
  await query(
    em,
    `update turns set state = $2, assistant_message_id = $3, error = $4, completed_at = now(), updated_at = now(),
            leased_until = null
     where id = $1`,
    [end.turnId, end.state, end.messageId, end.error && JSON.stringify(end.error)],
  );
}

/** An event of a turn without its place in the log. */
export type EventToAppend = { kind: TurnEventKind; data: Record<string, unknown> };

/**
 * Appends events inside a transaction that holds the turn's lock: those between the texts of steps. Returns the number of
 * the last event of the log.
 */
export async function appendEventsUnderLock(
  em: EntityManager,
  turn: { workspaceId: string; turnId: string; attempt: number },
  events: readonly EventToAppend[],
): Promise<number> {
  const [row] = await query<{ last: number }>(
    em,
    `with written as (
       insert into turn_events (workspace_id, turn_id, attempt, seq, kind, data)
       select $1, $2, $3, (select coalesce(max(seq), 0) from turn_events where turn_id = $2) + g.ordinality, g.kind, g.data
       from unnest($4::text[], $5::jsonb[]) with ordinality as g (kind, data, ordinality)
       returning seq)
     select coalesce(max(seq), (select max(seq) from turn_events where turn_id = $2), 0)::float8 as last from written`,
    [
      turn.workspaceId,
      turn.turnId,
      turn.attempt,
      events.map((event) => event.kind),
      events.map((event) => JSON.stringify(event.data)),
    ],
  );
  return row?.last ?? 0;
}
