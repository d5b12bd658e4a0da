import { rankingMetricNames } from './ranking-metrics.ts';
import type { RankingMetrics } from './ranking-metrics.ts';

/** Another numeric precision may change this much. */
const tolerance = 0.002;
const wanted: Record<string, string> = { text: 'bm25', hybrid: 'convex' };

/** A Markdown table of what was reached and what the baselines reach, and whether nDCG@10 is at least theirs. */
export function compareWithBaselines(
  reached: ReadonlyMap<string, RankingMetrics>,
  baselines: Readonly<Record<string, RankingMetrics | null>> | undefined,
): string {
  const rows: (readonly [string, RankingMetrics, string])[] = [];
  for (const [strategy, metrics] of reached) {
    const baseline = baselines?.[wanted[strategy] ?? ''];
    const least = baseline ? baseline.ndcg10 - tolerance : null;
    rows.push([strategy, metrics, least === null ? '' : metrics.ndcg10 >= least ? 'reached' : 'MISSED']);
  }
  for (const [name, metrics] of Object.entries(baselines ?? {})) {
    if (metrics !== null) rows.push([`baseline ${name}`, metrics, '']);
  }
  const lines = rows.map(
    ([name, metrics, verdict]) =>
      `| ${name.padEnd(15)} | ${rankingMetricNames.map((metric) => metrics[metric].toFixed(4)).join(' | ')} | ${verdict.padEnd(8)} |`,
  );
  return [
    '| method          | nDCG@10 | R@10 | R@100 | MRR@10 | nDCG@10 against its baseline |',
    '|---|--:|--:|--:|--:|---|',
    ...lines,
  ].join('\n');
}
