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
};

/** Finds a turn in whatever workspace it is; meant for the operator role. */
export async function findReplayedTurn(em: EntityManager, turnId: string): Promise<ReplayedTurn | null> {
  const [row] = await query<ReplayedTurn>(
    em,
    `select workspace_id as "workspaceId", conversation_id as "conversationId", state, limit_reached as "limitReached",
            model_id as "modelId"
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
};

/** Finds a chat model by its name or id, also one that was deleted meanwhile. */
export async function findReplayModel(em: EntityManager, nameOrId: string): Promise<ReplayModel | null> {
  const [row] = await query<ReplayModel>(
    em,
    `select id, name, provider, model_id as "modelId", endpoint, api_key as "apiKey", capabilities
     from models where kind = 'chat' and (id::text = $1 or name = $1) order by deleted_at nulls first, created_at desc limit 1`,
    [nameOrId],
  );
  return row ?? null;
}
