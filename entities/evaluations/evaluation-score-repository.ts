import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { EvaluationKey } from './evaluation-repository.ts';

/** Every score of one metric in one variant, in the order of the cases: parallel lists, for there may be many. */
export type ScoreColumn = {
  variant: number;
  metric: string;
  cases: string[];
  repetitions: number[];
  states: string[];
  scores: (number | null)[];
};

/**
 * The scores of a run by variant and metric, cases by their keys. An item that never ended has the state `unscored` in
 * every metric of `metrics`.
 */
export async function readScores(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  metrics: readonly string[],
): Promise<ScoreColumn[]> {
  return query<ScoreColumn>(
    em,
    `select i.variant, m.label as metric, array_agg(i.case_key order by i.ordinal) as cases,
            array_agg(i.repetition order by i.ordinal) as repetitions,
            array_agg(coalesce(r.state, 'unscored') order by i.ordinal) as states,
            array_agg(r.score order by i.ordinal) as scores
     from evaluation_items i cross join unnest($2::text[]) with ordinality as m (label, place)
     left join evaluation_results r on r.evaluation_id = i.evaluation_id and r.ordinal = i.ordinal and r.metric = m.label
     where i.evaluation_id = $1
     group by i.variant, m.label, m.place order by i.variant, m.place`,
    [evaluationId, metrics],
  );
}

/** What the items of one variant came to. */
export type VariantTotals = {
  variant: number;
  items: number;
  done: number;
  failed: number;
  reused: number;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  costs: { currency: string; amount: string }[];
  latency_ms: number | null;
};

/** Totals of a run by variant; sums are of the known figures alone. */
export async function readVariantTotals(em: EntityManager, { evaluationId }: EvaluationKey): Promise<VariantTotals[]> {
  return query<VariantTotals>(
    em,
    `select i.variant, count(*)::integer as items, (count(*) filter (where state = 'done'))::integer as done,
            (count(*) filter (where state = 'failed'))::integer as failed,
            (count(*) filter (where reused_from is not null))::integer as reused,
            sum(prompt_tokens)::float8 as prompt_tokens, sum(completion_tokens)::float8 as completion_tokens,
            avg(latency_ms) as latency_ms,
            coalesce((select jsonb_agg(jsonb_build_object('currency', c.currency, 'amount', c.amount::text))
                      from (select currency, sum(cost) as amount from evaluation_items o
                            where o.evaluation_id = $1 and o.variant = i.variant and currency is not null
                            group by currency) c), '[]') as costs
     from evaluation_items i where evaluation_id = $1 group by i.variant order by i.variant`,
    [evaluationId],
  );
}
