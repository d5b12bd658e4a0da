import type { Evaluation } from '../../contracts/evaluation.ts';
import type { EvaluationRow } from '../../entities/evaluations/evaluation-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A run as the API shows it; sealed headers stay inside. */
export function presentEvaluation(row: EvaluationRow): Evaluation {
  const { items } = row;
  const progress = {
    pending: items.pending ?? 0,
    running: items.running ?? 0,
    scoring: items.scoring ?? 0,
    done: items.done ?? 0,
    failed: (items.failed ?? 0) + (items.refused ?? 0),
    cancelled: items.cancelled ?? 0,
  };
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    status: row.status,
    verdict: row.verdict,
    verdict_reasons: row.verdict_reasons,
    dataset_id: row.dataset_id,
    dataset_version: row.dataset_version,
    dataset_hash: row.dataset_hash,
    target: {
      ...row.target,
      variants: row.target.variants.map(({ endpoint, ...variant }) => ({
        ...variant,
        endpoint: endpoint && {
          url: endpoint.url,
          answer: endpoint.answer,
          contexts: endpoint.contexts,
          has_headers: endpoint.headersSealed !== null,
        },
      })),
    },
    configuration: row.configuration,
    baseline_id: row.baseline_id,
    reuse: row.reuse,
    git_revision: row.git_revision,
    progress: { total: Object.values(progress).reduce((sum, count) => sum + count, 0), ...progress },
    results: row.results,
    metrics: row.metrics,
    error: row.error,
    hint: hintOf(row),
    started_at: presentOptionalTime(row.started_at),
    completed_at: presentOptionalTime(row.completed_at),
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  };
}

/** What does the items of a run which has ended that have no output. */
function hintOf({ name, items, completed_at: ended }: EvaluationRow): string | null {
  const { refused = 0, failed = 0, cancelled = 0 } = items;
  const open = refused + failed + cancelled;
  if (ended === null || open === 0) return null;
  const counted = open === 1 ? '1 item has' : `${open} items have`;
  const first = refused === 0 ? '' : `A budget refused calls of ${refused}: raise it (perdure budgets set). Then `;
  const again = `perdure eval retry ${/^[\w.-]+$/.test(name) ? name : JSON.stringify(name)}`;
  return `${counted} no output. ${first}"${again}" (POST /evaluations/{id}/retry) does them in this run, and nothing else again.`;
}
