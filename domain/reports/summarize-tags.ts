import { caseMeans } from '../metrics/aggregate/case-scores.ts';
import { mean } from '../metrics/aggregate/quantile.ts';
import type { ReportCase, ReportTag } from './evaluation-report.ts';

// Of more, a table says nothing; each case has its tags in the report.
const mostTags = 50;

/** The mean of each metric over the cases of each tag, for the tags that most cases have. */
export function summarizeTags(cases: readonly ReportCase[]): ReportTag[] {
  const counts = new Map<string, number>();
  for (const tag of cases.flatMap(({ tags }) => tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  const kept = Array.from(counts.keys())
    .sort((a, b) => counts.get(b)! - counts.get(a)! || (a < b ? -1 : 1))
    .slice(0, mostTags);
  return kept.flatMap((tag) =>
    summarizeTag(
      tag,
      cases.filter(({ tags }) => tags.includes(tag)),
    ),
  );
}

function summarizeTag(tag: string, cases: readonly ReportCase[]): ReportTag[] {
  const groups = new Map<string, Parameters<typeof caseMeans>[0][number][]>();
  const order: { variant: number; metric: string; key: string }[] = [];
  for (const { case_id: caseId, variant, repetition, scores } of cases) {
    for (const { metric, state, score } of scores) {
      const key = `${variant} ${metric}`;
      const rows = groups.get(key) ?? [];
      if (rows.length === 0) {
        groups.set(key, rows);
        order.push({ variant, metric, key });
      }
      rows.push({ caseId, repetition, state, score });
    }
  }
  return order.map(({ variant, metric, key }) => {
    const rows = groups.get(key)!;
    const means = [...caseMeans(rows).values()];
    return {
      tag,
      variant,
      metric,
      cases: means.length,
      unscored: rows.filter(({ state }) => state === 'unscored').length,
      mean: means.length === 0 ? null : mean(means),
    };
  });
}
