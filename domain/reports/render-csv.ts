import type { EvaluationReport, ReportCase } from './evaluation-report.ts';

const columns = [
  'case_id',
  'position',
  'variant',
  'repetition',
  'state',
  'question',
  'expected_answer',
  'answer',
  'error',
  'latency_ms',
  'tokens',
  'cost',
] as const satisfies readonly (keyof ReportCase)[];

/**
 * A report as CSV (RFC 4180), a line per case, variant and repetition, with three columns per metric. A text that a
 * spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV Injection"); numbers stay numbers.
 */
export function renderCsv(report: EvaluationReport): string {
  const metrics = [...new Set(report.metrics.map(({ metric }) => metric))];
  const header = [
    ...columns,
    'tags',
    ...metrics.flatMap((metric) => [metric, `${metric}: state`, `${metric}: reason`]),
  ];
  const lines = report.cases.map((each) => {
    const scores = new Map(each.scores.map((score) => [score.metric, score]));
    return [
      ...columns.map((column) => each[column]),
      each.tags.join(', '),
      ...metrics.flatMap((metric) => {
        const score = scores.get(metric);
        return [score?.score ?? null, score?.state ?? null, score?.reason ?? null];
      }),
    ];
  });
  return [header, ...lines].map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}

function cell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
