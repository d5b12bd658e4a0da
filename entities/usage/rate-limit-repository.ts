import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A model of a workspace, by the id of its row. */
export type PacedModel = { workspaceId: string; modelId: string };

/**
 * Books a call of about `tokens` within the model's limits and tells how long it must wait for its moment. Not granted,
 * and nothing booked, while the provider refuses calls for longer than `patienceMs`. One statement; may run without a
 * workspace.
 */
export async function reserveModelCall(
  em: EntityManager,
  model: PacedModel,
  call: { tokens: number; patienceMs: number },
): Promise<{ waitMs: number; granted: boolean }> {
  const [row] = await query<{ waitMs: number; granted: boolean }>(
    em,
    `select wait_ms as "waitMs", granted from reserve_model_call($1, $2, $3, $4)`,
    [model.workspaceId, model.modelId, call.tokens, call.patienceMs],
  );
  return row!;
}

/** Corrects a booking by what the provider counted beyond it, or below it where negative. */
export async function settleModelCall(em: EntityManager, model: PacedModel, extraTokens: number): Promise<void> {
  await query(em, `select settle_model_call($1, $2, $3)`, [model.workspaceId, model.modelId, extraTokens]);
}

/** Holds back every worker's calls of the model for so long, because its provider has asked for it. */
export async function blockModelCalls(em: EntityManager, model: PacedModel, pauseMs: number): Promise<void> {
  await query(em, `select block_model_calls($1, $2, $3)`, [model.workspaceId, model.modelId, Math.ceil(pauseMs)]);
}

/** For how many milliseconds more the model's provider has asked for no calls; 0 when it has not. */
export async function readModelPause(em: EntityManager, model: PacedModel): Promise<number> {
  const [row] = await query<{ pauseMs: number }>(
    em,
    `select ceil(extract(epoch from greatest(blocked_until - clock_timestamp(), interval '0')) * 1000)::integer as "pauseMs"
     from rate_limits where workspace_id = $1 and model_id = $2`,
    [model.workspaceId, model.modelId],
  );
  return row?.pauseMs ?? 0;
}
