import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnLimit } from '../../contracts/names/turn-limits.ts';
import { query } from '../sql.ts';

/** A turn as it is run again: where it belongs, and the model that answered it; `api_key` is sealed. */
export type ReplayedTurn = {
  workspaceId: string;
  conversationId: string;
  state: string;
  limitReached: TurnLimit | null;
  modelId: string;
  agentId: string;
};

/** Finds a turn in whatever workspace it is; meant for the operator role. */
export async function findReplayedTurn(em: EntityManager, turnId: string): Promise<ReplayedTurn | null> {
  const [row] = await query<ReplayedTurn>(
    em,
    `select workspace_id as "workspaceId", conversation_id as "conversationId", state, limit_reached as "limitReached",
            model_id as "modelId", agent_id as "agentId"
     from turns where id = $1`,
    [turnId],
  );
  return row ?? null;
}

/** A chat model of a workspace; `apiKey` is sealed. */
export type ReplayModel = {
  id: string;
  name: string;
  provider: string;
  modelId: string;
  endpoint: string | null;
  apiKey: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
};

/** Finds a chat model by its name or id, also one that was deleted meanwhile. */
export async function findReplayModel(em: EntityManager, nameOrId: string): Promise<ReplayModel | null> {
  const [row] = await query<ReplayModel>(
    em,
    `select id, name, provider, model_id as "modelId", endpoint, api_key as "apiKey", capabilities, pricing
     from models where kind = 'chat' and (id::text = $1 or name = $1) order by deleted_at nulls first, created_at desc limit 1`,
    [nameOrId],
  );
  return row ?? null;
}

/** Writes the row of a paid call that belongs to an agent and to no turn, before it is made. */
export async function startReplayUsage(
  em: EntityManager,
  usage: { callId: string; workspaceId: string; agentId: string; modelId: string; pricing: Record<string, unknown> },
): Promise<void> {
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, pricing)
     values ($1, $2, 'agent', $3, $4, $5)`,
    [usage.callId, usage.workspaceId, usage.agentId, usage.modelId, JSON.stringify(usage.pricing)],
  );
}
