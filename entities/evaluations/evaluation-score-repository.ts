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
  /** Of outputs that were taken over from earlier runs, which have paid for them; `costs` is without these. */
  reused_costs: { currency: string; amount: string }[];
  latency_ms: number | null;
};

const costsOf = (outputs: string) => `coalesce((
  select jsonb_agg(jsonb_build_object('currency', c.currency, 'amount', c.amount::text) order by c.currency)
  from (select currency, sum(cost) as amount from evaluation_items o
        where o.evaluation_id = $1 and o.variant = i.variant and currency is not null and ${outputs}
        group by currency) c), '[]')`;

/** Totals of a run by variant; sums are of the known figures alone. */
export async function readVariantTotals(em: EntityManager, { evaluationId }: EvaluationKey): Promise<VariantTotals[]> {
  return query<VariantTotals>(
    em,
    `select i.variant, count(*)::integer as items, (count(*) filter (where state = 'done'))::integer as done,
            (count(*) filter (where state = 'failed'))::integer as failed,
            (count(*) filter (where reused_from is not null))::integer as reused,
            sum(prompt_tokens)::float8 as prompt_tokens, sum(completion_tokens)::float8 as completion_tokens,
            avg(latency_ms) as latency_ms,
            ${costsOf('o.reused_from is null')} as costs, ${costsOf('o.reused_from is not null')} as reused_costs
     from evaluation_items i where evaluation_id = $1 group by i.variant order by i.variant`,
    [evaluationId],
  );
}

/** What a report says of the data set of a run. */
export async function readReportedDataset(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
): Promise<{ name: string | null; cases: number }> {
  const [row] = await query<{ name: string | null; cases: number }>(
    em,
    `select d.name, (select count(distinct case_id)::integer from evaluation_items i where i.evaluation_id = e.id) as cases
     from evaluations e left join evaluation_datasets d on d.id = e.dataset_id where e.id = $1`,
    [evaluationId],
  );
  return row ?? { name: null, cases: 0 };
}

/** An item as a report shows it. */
export type ReportedItem = {
  ordinal: number;
  case_key: string;
  position: number;
  variant: number;
  repetition: number;
  state: 'pending' | 'running' | 'scoring' | 'done' | 'failed' | 'cancelled';
  input: {
    question?: string;
    messages?: { role: 'user' | 'assistant'; content: string }[];
    variables?: Record<string, unknown>;
  };
  expected_answer: string | null;
  output: string | null;
  error: { code: string; detail: string } | null;
  latency_ms: number | null;
  tokens: number | null;
  cost: string | null;
  tags: string[];
  scores: {
    metric: string;
    state: 'scored' | 'unscored' | 'not_applicable';
    score: number | null;
    reason: string | null;
  }[];
};

/** Items of a run in their order, behind a number. */
export async function readReportedItems(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  { afterOrdinal, limit }: { afterOrdinal: number; limit: number },
): Promise<ReportedItem[]> {
  return query<ReportedItem>(
    em,
    `select i.ordinal, i.case_key, c.position, i.variant, i.repetition, i.state, c.input, c.expected_answer, i.output, i.error,
            i.latency_ms, i.prompt_tokens + i.completion_tokens as tokens, i.cost::text as cost, c.tags,
            coalesce((select jsonb_agg(jsonb_build_object('metric', r.metric, 'state', r.state, 'score', r.score,
                                                          'reason', r.reason) order by r.metric)
                      from evaluation_results r where r.evaluation_id = $1 and r.ordinal = i.ordinal), '[]') as scores
     from evaluation_items i join evaluation_cases c on c.id = i.case_id
     where i.evaluation_id = $1 and i.ordinal > $2 order by i.ordinal limit $3`,
    [evaluationId, afterOrdinal, limit],
  );
}
