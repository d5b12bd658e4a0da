import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A turn as a reader sees it. */
export type TurnRow = {
  id: string;
  conversation_id: string;
  user_message_id: string;
  assistant_message_id: string | null;
  agent_id: string;
  agent_version: number;
  model_id: string;
  kind: 'message' | 'regenerate' | 'edit' | 'retry';
  replaces_turn_id: string | null;
  topic: string | null;
  versions: { agent: number; templates?: Record<string, number> };
  step: number;
  limit_reached: 'steps' | 'tokens' | 'seconds' | 'cost' | null;
  waiting_since: Date | null;
  state: 'accepted' | 'queued' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled';
  error: { code: string; detail: string } | null;
  attempt: number;
  cancel_requested_at: Date | null;
  workflow_id: string;
  run_id: string | null;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
};

/** The columns of a `TurnRow` of the turn with the alias `t`. */
export const turnColumns = `t.id, t.conversation_id, t.user_message_id, t.assistant_message_id, t.agent_id, t.agent_version,
  t.model_id, t.kind, t.replaces_turn_id, t.topic, t.versions, t.step, t.limit_reached, t.waiting_since, t.state, t.error, t.attempt, t.cancel_requested_at, t.workflow_id, t.run_id, t.created_at, t.started_at,
  t.completed_at`;

/** Finds a turn of the workspace whose conversation was not deleted. */
export async function findTurn(em: EntityManager, turnId: string): Promise<TurnRow | null> {
  const [row] = await query<TurnRow>(
    em,
    `select ${turnColumns} from turns t join conversations c on c.id = t.conversation_id
     where t.id = $1 and c.deleted_at is null`,
    [turnId],
  );
  return row ?? null;
}

/**
 * Finds out whether a turn of the workspace that may be followed has ended; null where there is none whose conversation was
 * not deleted, or where it is of another end user than `user`. For the operator role.
 */
export async function findFollowedTurn(
  em: EntityManager,
  { workspaceId, turnId, user }: { workspaceId: string; turnId: string; user: string | null },
): Promise<{ hasEnded: boolean } | null> {
  const [row] = await query<{ hasEnded: boolean }>(
    em,
    `select t.completed_at is not null as "hasEnded"
     from turns t join conversations c on c.id = t.conversation_id join users u on u.id = c.user_id
     where t.workspace_id = $1 and t.id = $2 and c.deleted_at is null and ($3::text is null or u.external_id = $3)`,
    [workspaceId, turnId, user],
  );
  return row ?? null;
}

/**
 * Notes that the turn's end was asked for, unless it has ended; returns the turn, or null if there is none. The caller
 * then sends the `cancelTurn` update; a running activity also sees the note at its next append.
 */
export async function requestCancel(em: EntityManager, turnId: string): Promise<TurnRow | null> {
  const turn = await findTurn(em, turnId);
  if (!turn) return null;
  await query(
    em,
    `update turns set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
     where id = $1 and state in ('accepted', 'queued', 'running', 'waiting')`,
    [turnId],
  );
  return findTurn(em, turnId);
}

/** A citation of an answer: a snapshot with offsets into the text of that generation of the document. */
export type CitationRow = {
  message_id: string;
  position: number;
  marker: number;
  document_id: string;
  generation: number;
  chunk_index: number | null;
  title: string;
  source_url: string | null;
  start_char: number;
  end_char: number;
  quote: string;
  page: number | null;
  page_end: number | null;
  page_label: string | null;
  headings: string[];
};

/** Lists the citations of messages, by message and position. */
export async function listCitations(em: EntityManager, messageIds: readonly string[]): Promise<CitationRow[]> {
  return query<CitationRow>(
    em,
    `select message_id, position, marker, document_id, generation, chunk_index, title, source_url, start_char, end_char,
            quote, page, page_end, page_label, headings
     from citations where message_id = any($1::uuid[]) order by message_id, position`,
    [messageIds],
  );
}
