import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Writes the row of a paid call about the memory of a user before the call is made. */
export async function startMemoryUsage(
  em: EntityManager,
  usage: {
    callId: string;
    workspaceId: string;
    userId: string;
    modelId: string;
    attempt: number;
    pricing: Record<string, unknown>;
  },
): Promise<void> {
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, attempt, pricing)
     values ($1, $2, 'memory', $3, $4, $5, $6) on conflict do nothing`,
    [usage.callId, usage.workspaceId, usage.userId, usage.modelId, usage.attempt, JSON.stringify(usage.pricing)],
  );
}

/** Marks calls of attempts that died as unknown. */
export async function settleUnknownCalls(em: EntityManager, callIds: readonly string[]): Promise<void> {
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now() where id = any($1::uuid[]) and state = 'started'`,
    [callIds],
  );
}

/**
 * Marks calls about the memory of a user as unknown that nobody works on any more: those that began `seconds` ago or
 * earlier.
 */
export async function settleLostCalls(
  em: EntityManager,
  { workspaceId, userId, seconds }: { workspaceId: string; userId: string; seconds: number },
): Promise<void> {
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now()
     where workspace_id = $1 and entity_type = 'memory' and entity_id = $2 and state = 'started'
       and "timestamp" <= now() - $3 * interval '1 second'`,
    [workspaceId, userId, seconds],
  );
}

/** The last turn of a user with an agent, whose models may be asked about the memory; null where there is none. */
export async function findLastTurn(
  em: EntityManager,
  userId: string,
): Promise<{ turnId: string; modelId: string } | null> {
  const [row] = await query<{ turnId: string; modelId: string }>(
    em,
    `select t.id as "turnId", t.model_id as "modelId"
     from (select c.id, c.workspace_id from conversations c
           where c.user_id = $1 and c.deleted_at is null and c.evaluation_id is null
           order by c.created_at desc limit 20) c
     join turns t on t.workspace_id = c.workspace_id and t.conversation_id = c.id
     order by t.created_at desc limit 1`,
    [userId],
  );
  return row ?? null;
}
