import { setImmediate } from 'node:timers/promises';
import type { CaseScore } from '../../domain/metrics/aggregate/case-scores.ts';
import type { MeasuredMetric } from '../../domain/metrics/gates/decide-verdict.ts';
import type { Gate } from '../../domain/metrics/gates/gate.ts';
import { caseQuestion } from '../../domain/evaluations/case-messages.ts';
import { composeReport } from '../../domain/reports/compose-report.ts';
import type { EvaluationReport, ReportCase } from '../../domain/reports/evaluation-report.ts';
import {
  findEvaluation,
  type EvaluationKey,
  type EvaluationRow,
} from '../../entities/evaluations/evaluation-repository.ts';
import {
  readReportedDataset,
  readReportedItems,
  readScores,
  type ReportedItem,
  type ScoreColumn,
} from '../../entities/evaluations/evaluation-score-repository.ts';
import type { Database } from '../../platform/database.ts';
import { runMetrics, type RunMetric } from './open-run.ts';

const itemsAtOnce = 2000;

/**
 * Makes the report of a run from its rows: aggregates, comparison with a baseline (the run's own unless another is given;
 * variant with variant of the same place, else with the first) and the gates. Cases are left out where they are not
 * wanted. Null where there is no such run.
 */
export async function reportRun(
  database: Pick<Database, 'inWorkspace'>,
  key: EvaluationKey,
  options: { baselineId: string | null; withCases: boolean },
): Promise<EvaluationReport | null> {
  const read = await database.inWorkspace(key.workspaceId, async (em) => {
    const run = await findEvaluation(em, key.evaluationId);
    if (run === null) return null;
    const metrics = runMetrics(run.target, run.configuration);
    const labels = metrics.map(({ label }) => label);
    const against = options.baselineId ?? run.baseline_id;
    const baseline = against === null ? null : await findEvaluation(em, against);
    return {
      run,
      metrics,
      baseline,
      columns: await readScores(em, key, labels),
      before: baseline === null ? [] : await readScores(em, { ...key, evaluationId: baseline.id }, labels),
      dataset: await readReportedDataset(em, key),
    };
  });
  if (read === null) return null;
  const { run, metrics, baseline, columns, before, dataset } = read;
  const { seed, repetitions, gates } = run.configuration;
  const composing = composeReport({
    evaluation: {
      ...{ id: run.id, name: run.name, type: run.type, status: run.status, seed, repetitions },
      git_revision: run.git_revision,
      started_at: run.started_at?.toISOString() ?? null,
      completed_at: run.completed_at?.toISOString() ?? null,
    },
    dataset: {
      ...{ id: run.dataset_id, name: dataset.name, version: run.dataset_version },
      ...{ hash: run.dataset_hash ?? '', cases: dataset.cases },
    },
    target: { name: run.target.name, judge: run.target.judge, judge_embedding: run.target.judgeEmbedding },
    baseline: baseline && { id: baseline.id, name: baseline.name },
    variants: run.target.variants.map(({ name, endpoint, ...configuration }, index) => ({
      index,
      name,
      configuration: { ...configuration, endpoint: endpoint?.url ?? null },
    })),
    cases: options.withCases ? await readCases(database, key) : [],
    gates: gates as unknown as Gate[],
    measured: columns.map((column) => measuredOf(column, metrics, before)),
  });
  // Heartbeats and other requests come in between.
  let step = composing.next();
  for (; step.done !== true; step = composing.next()) await setImmediate();
  return step.value;
}

function measuredOf(
  column: ScoreColumn,
  metrics: readonly RunMetric[],
  before: readonly ScoreColumn[],
): MeasuredMetric {
  const choice = metrics.find(({ label }) => label === column.metric)!;
  const own = before.filter(({ metric }) => metric === column.metric);
  const other = own.find(({ variant }) => variant === column.variant) ?? own[0];
  const compared = other === undefined ? null : rowsOf(other);
  const isThere = compared?.some(({ state }) => state === 'scored') ?? false;
  return { variant: column.variant, choice, rows: rowsOf(column), baseline: isThere ? compared : null };
}

function rowsOf({ cases, repetitions, states, scores }: ScoreColumn): CaseScore[] {
  return cases.map((caseId, index) => ({
    caseId,
    repetition: repetitions[index]!,
    state: states[index] as CaseScore['state'],
    score: scores[index] ?? null,
  }));
}

async function readCases(database: Pick<Database, 'inWorkspace'>, key: EvaluationKey): Promise<ReportCase[]> {
  const cases: ReportCase[] = [];
  for (let after = -1; ;) {
    const page = { afterOrdinal: after, limit: itemsAtOnce };
    const items = await database.inWorkspace(key.workspaceId, (em) => readReportedItems(em, key, page));
    cases.push(...items.map(caseOf));
    const last = items.at(-1);
    if (last === undefined || items.length < itemsAtOnce) return cases;
    after = last.ordinal;
  }
}

function caseOf(item: ReportedItem): ReportCase {
  const { case_key, position, variant, repetition, state, input, expected_answer, output, error, latency_ms } = item;
  return {
    ...{ case_id: case_key, position: position + 1, variant, repetition, expected_answer, latency_ms },
    state: state === 'scoring' ? 'running' : state,
    question: caseQuestion(input),
    answer: output,
    error: error && `${error.code}: ${error.detail}`,
    tokens: item.tokens,
    cost: item.cost === null ? null : Number(item.cost),
    tags: item.tags,
    scores: item.scores,
  };
}

/** The aggregates of a report as they are kept with the run, by the variant's name and the metric. */
export function aggregatesOf({ variants, metrics }: EvaluationReport): EvaluationRow['metrics'] {
  return Object.fromEntries(
    variants.map(({ index, name }) => [
      name,
      Object.fromEntries(
        metrics
          .filter(({ variant }) => variant === index)
          .map(({ metric, variant: _variant, ...figures }) => [metric, figures]),
      ),
    ]),
  );
}
