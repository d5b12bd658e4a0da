import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A model of a workspace, by the id of its row. */
export type PacedModel = { workspaceId: string; modelId: string };

/**
 * Where a call stands beside others of its model: a `batch` queues and leaves some of what may go out at once to others, a
 * `turn` queues, a `question` goes ahead of the queue.
 */
export type CallPriority = 'batch' | 'turn' | 'question';

/**
 * When a call may be made: in `waitMs`, at `moment` (ISO 8601). Counted, it is to be made then; not counted, it is to be
 * booked again at its moment, which keeps its place. A `moment` of null says that it was not booked.
 */
export type BookedCall = { waitMs: number; moment: string | null; isCounted: boolean };

/**
 * Books a call of about `tokens` within the model's limits, or looks whether the moment that was `booked` has come. Nothing
 * is booked while the provider refuses calls for longer than `longestPauseMs`, or if the moment is further off than
 * `longestWaitMs`. One statement; may run without a workspace.
 */
export async function bookModelCall(
  em: EntityManager,
  model: PacedModel,
  call: {
    tokens: number;
    priority: CallPriority;
    booked?: string | null;
    longestPauseMs?: number;
    longestWaitMs?: number;
  },
): Promise<BookedCall> {
  const [row] = await query<{ waitMs: number; moment: Date | null; isCounted: boolean }>(
    em,
    `select wait_ms as "waitMs", moment, is_counted as "isCounted" from book_model_call($1, $2, $3, $4, $5, $6, $7)`,
    [
      model.workspaceId,
      model.modelId,
      call.tokens,
      call.priority,
      call.booked ?? null,
      call.longestPauseMs ?? null,
      call.longestWaitMs ?? null,
    ],
  );
  const { moment, ...turn } = row!;
  return { ...turn, moment: moment === null ? null : moment.toISOString() };
}

/** Corrects a counted call by what the provider counted beyond it, or below it where negative. */
export async function correctModelCall(
  em: EntityManager,
  model: PacedModel,
  { extraRequests, extraTokens }: { extraRequests: number; extraTokens: number },
): Promise<void> {
  await query(em, `select correct_model_call($1, $2, $3, $4)`, [
    model.workspaceId,
    model.modelId,
    extraRequests,
    extraTokens,
  ]);
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
