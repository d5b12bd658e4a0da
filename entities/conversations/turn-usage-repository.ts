import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { closed } from '../usage/model-circuit-repository.ts';

/** Writes the row of a paid call before the call is made; its id is the call id that the provider is sent. */
export async function startUsage(
  em: EntityManager,
  usage: {
    callId: string;
    workspaceId: string;
    agentId: string;
    modelId: string;
    turnId: string;
    step: number;
    attempt: number;
    pricing: Record<string, unknown>;
  },
): Promise<void> {
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, turn_id, step, attempt, pricing)
     values ($1, $2, 'agent', $3, $4, $5, $6, $7, $8) on conflict do nothing`,
    [
      usage.callId,
      usage.workspaceId,
      usage.agentId,
      usage.modelId,
      usage.turnId,
      usage.step,
      usage.attempt,
      JSON.stringify(usage.pricing),
    ],
  );
}

/** Figures as the provider gave them; what it did not give stays null. */
export type ProviderUsage = {
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
};

/** What is known of a call whose provider reported no figures. */
export const unknownUsage: ProviderUsage = { promptTokens: null, completionTokens: null, totalTokens: null };

/**
 * Settles a call's row with the provider's figures. The cost comes from the price that the row copied when the call
 * began (`input_per_million`, `output_per_million`, `currency`), and is null when a figure or the price is unknown.
 * With a call that was answered the model's failures before it are forgotten.
 */
export async function settleUsage(
  em: EntityManager,
  callId: string,
  usage: ProviderUsage,
  { wasAnswered = false }: { wasAnswered?: boolean } = {},
): Promise<void> {
  await query(
    em,
    `with priced as (
       select id, round((($2::numeric * (pricing ->> 'input_per_million')::numeric)
                       + ($3::numeric * (pricing ->> 'output_per_million')::numeric)) / 1000000, 10) as cost,
              pricing ->> 'currency' as currency
       from usage_metrics where id = $1),
     working as (
       update model_circuits c set ${closed} from usage_metrics u
       where $5 and u.id = $1 and c.workspace_id = u.workspace_id and c.model_id = u.model_id
         and (c.failures > 0 or c.openings > 0))
     update usage_metrics u
     set prompt_tokens = $2, completion_tokens = $3, total_tokens = $4, settled_at = now(),
         state = case when $4::integer is null then 'unknown' else 'settled' end,
         cost = case when p.currency is null then null else p.cost end,
         currency = case when p.cost is null then null else p.currency end
     from priced p where u.id = p.id and u.state = 'started'`,
    [callId, usage.promptTokens, usage.completionTokens, usage.totalTokens, wasAnswered],
  );
}

/** Marks the usage of calls whose figures never arrived: of every attempt, or of those up to `attempt`. */
export async function settleUnknownUsage(em: EntityManager, turnId: string, attempt: number | null): Promise<void> {
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now()
     where turn_id = $1 and state = 'started' and ($2::integer is null or attempt <= $2)`,
    [turnId, attempt],
  );
}
