import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A paid call that a search by a RAG tool makes, before it is made. */
export type QueryCall = {
  callId: string;
  workspaceId: string;
  ragToolId: string;
  modelId: string;
  pricing: Record<string, unknown>;
};

/** Writes the row of a paid call before the call is made; its id is the call id that the provider is sent. */
export async function startQueryUsage(em: EntityManager, call: QueryCall): Promise<void> {
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, pricing)
     values ($1, $2, 'rag_tool', $3, $4, $5)`,
    [call.callId, call.workspaceId, call.ragToolId, call.modelId, JSON.stringify(call.pricing)],
  );
}
