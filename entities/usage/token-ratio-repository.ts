import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/**
 * By how much a model's provider has counted prompts of a conversation higher than they were estimated, at the most, in
 * the last three turns that the model answered there; null when there is none.
 */
export async function readTokenRatio(
  em: EntityManager,
  { conversationId, modelId }: { conversationId: string; modelId: string },
): Promise<number | null> {
  const [row] = await query<{ ratio: number | null }>(
    em,
    `select max(u.prompt_tokens / nullif((s.request ->> 'prompt_tokens_estimate')::float8, 0)) as ratio
     from (select id from turns where conversation_id = $1 order by number desc limit 4) r
     join usage_metrics u on u.turn_id = r.id and u.model_id = $2 and u.prompt_tokens is not null
     join turn_steps s on s.turn_id = u.turn_id and s.step = u.step and s.kind = 'model'`,
    [conversationId, modelId],
  );
  return row?.ratio ?? null;
}
