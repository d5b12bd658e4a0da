import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** One paid call of a turn with the provider's figures (null where unknown), and with what its step estimates. */
export type TurnCall = {
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
  estimatedPromptTokens: number;
  estimatedCompletionTokens: number;
  cost: number | null;
  currency: string | null;
  pricing: Record<string, unknown>;
};

/** Reads the paid calls of a turn, those of its searches, its routing and its summaries among them. */
export async function readTurnCalls(em: EntityManager, turnId: string): Promise<TurnCall[]> {
  return query<TurnCall>(
    em,
    `select u.prompt_tokens as "promptTokens", u.completion_tokens as "completionTokens", u.total_tokens as "totalTokens",
            coalesce((s.request ->> 'prompt_tokens_estimate')::float8, 0) as "estimatedPromptTokens",
            ceil(length(coalesce(s.response ->> 'text', '')) / 3.0)::float8 as "estimatedCompletionTokens",
            u.cost::float8 as cost, u.currency, u.pricing
     from usage_metrics u left join turn_steps s on s.turn_id = u.turn_id and s.step = u.step
     where u.turn_id = $1`,
    [turnId],
  );
}
