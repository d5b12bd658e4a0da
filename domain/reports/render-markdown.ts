import type { EvaluationReport, ReportComparison, ReportMetric } from './evaluation-report.ts';

// What a person reads; all of them are in the other formats.
const mostListed = 10;

/** A report as Markdown for people: verdict, gates, figures with their intervals, and the cases to look at first. */
export function renderMarkdown(report: EvaluationReport): string {
  const { evaluation, dataset, baseline } = report;
  const facts: [string, string | null][] = [
    ['Verdict', `**${report.verdict}**`],
    ['Evaluation', `${evaluation.id} (${evaluation.status})`],
    ['Data set', `${dataset.name ?? 'given inline'}${dataset.version === null ? '' : ` version ${dataset.version}`}`],
    ['Cases', `${dataset.cases}${evaluation.repetitions === 1 ? '' : `, ${evaluation.repetitions} times each`}`],
    ['Hash of the data set', dataset.hash],
    ['Target', `${evaluation.type} ${JSON.stringify(report.target)}`],
    ['Baseline', baseline === null ? null : `${baseline.name} (${baseline.id})`],
    ['Revision', evaluation.git_revision],
    ['Time', `${evaluation.started_at ?? '–'} to ${evaluation.completed_at ?? '–'}`],
  ];
  return [
    `# ${inline(evaluation.name)}\n\n`,
    facts.flatMap(([name, value]) =>
      value === null ? [] : [`- ${name}: ${name === 'Verdict' ? value : inline(value)}\n`],
    ),
    section('Gates', renderGates(report)),
    section('Metrics', renderMetrics(report)),
    section('By tag', renderTags(report)),
    section('Worse than the baseline', renderWorse(report)),
    section('Failed', renderFailed(report)),
    section('Without a score', renderUnscored(report)),
  ]
    .flat()
    .join('');
}

function section(title: string, body: string): string {
  return body === '' ? '' : `\n## ${title}\n\n${body}`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.map(inline).join(' | ')} |\n`;
  return [line(header), `|${' --- |'.repeat(header.length)}\n`, ...rows.map(line)].join('');
}

function renderGates({ gates }: EvaluationReport): string {
  return table(
    ['gate', 'variant', 'state', 'why'],
    gates.map(({ gate, variant, state, reason }) => [gate, variant === null ? 'all' : String(variant), state, reason]),
  );
}

function renderMetrics({ metrics, variants, baseline }: EvaluationReport): string {
  const name = (index: number) => variants.find((variant) => variant.index === index)?.name ?? String(index);
  const header = ['metric', 'variant', 'mean', 'interval', 'median', 'p95', 'scored', 'unscored', 'not applicable'];
  const others = [
    ...(baseline === null ? [] : [{ against: 'the baseline', of: (each: ReportMetric) => each.baseline }]),
    ...(variants.length < 2 ? [] : [{ against: variants[0]!.name, of: (each: ReportMetric) => each.first_variant }]),
  ];
  return table(
    [...header, ...others.flatMap(({ against }) => [`against ${against}`, 'better / worse / same', 'p'])],
    metrics.map((each) => [
      each.metric,
      name(each.variant),
      figure(each.mean),
      each.interval === null ? '–' : `${figure(each.interval.low)} to ${figure(each.interval.high)}`,
      figure(each.median),
      figure(each.p95),
      String(each.scored),
      String(each.unscored),
      String(each.not_applicable),
      ...others.flatMap(({ of }) => compareCells(of(each))),
    ]),
  );
}

function compareCells(comparison: ReportComparison | null): string[] {
  if (comparison === null) return ['–', '–', '–'];
  const { difference, better, worse, same, p_value: p } = comparison;
  const sign = difference !== null && difference > 0 ? '+' : '';
  return [`${sign}${figure(difference)}`, `${better} / ${worse} / ${same}`, figure(p)];
}

function renderTags({ tags }: EvaluationReport): string {
  const rows = tags
    .filter(({ cases, unscored }) => cases + unscored > 0)
    .map(({ tag, metric, variant, mean, cases, unscored }) => [
      tag,
      metric,
      String(variant),
      figure(mean),
      String(cases),
      String(unscored),
    ]);
  return table(['tag', 'metric', 'variant', 'mean', 'cases', 'unscored'], rows);
}

function renderWorse({ changes, cases, metrics }: EvaluationReport): string {
  const range = new Map(metrics.map((each) => [`${each.variant} ${each.metric}`, each.range[1] ?? 1]));
  const loss = (change: (typeof changes)[number]) =>
    Math.abs(change.score - change.baseline) / (range.get(`${change.variant} ${change.metric}`) ?? 1);
  const questions = new Map(cases.map((each) => [each.case_id, each.question]));
  const worse = changes.filter(({ outcome }) => outcome === 'worse').sort((a, b) => loss(b) - loss(a));
  const rows = worse
    .slice(0, mostListed)
    .map((change) => [
      cut(questions.get(change.case_id) ?? change.case_id),
      change.metric,
      String(change.variant),
      figure(change.baseline),
      figure(change.score),
    ]);
  return table(['case', 'metric', 'variant', 'baseline', 'now'], rows) + more(worse.length);
}

function renderFailed({ cases }: EvaluationReport): string {
  const failed = cases.filter(({ state }) => state === 'failed');
  const rows = failed.slice(0, mostListed).map((each) => [cut(each.question), String(each.variant), each.error ?? '']);
  return table(['case', 'variant', 'why'], rows) + more(failed.length);
}

function renderUnscored({ cases }: EvaluationReport): string {
  const reasons = new Map<string, { metric: string; reason: string; count: number }>();
  for (const { metric, state, reason } of cases.flatMap(({ scores }) => scores)) {
    if (state !== 'unscored') continue;
    const key = `${metric}\n${reason ?? ''}`;
    const { count } = reasons.get(key) ?? { count: 0 };
    reasons.set(key, { metric, reason: reason ?? '', count: count + 1 });
  }
  const sorted = [...reasons.values()].sort((a, b) => b.count - a.count);
  const rows = sorted.slice(0, mostListed).map(({ metric, reason, count }) => [metric, cut(reason), String(count)]);
  return table(['metric', 'why', 'times'], rows) + more(sorted.length);
}

function more(count: number): string {
  return count > mostListed ? `\n${count - mostListed} more are in the JSON and CSV reports.\n` : '';
}

function figure(value: number | null): string {
  return value === null ? '–' : String(Number(value.toPrecision(4)));
}

function cut(text: string): string {
  const characters = Array.from(text);
  return characters.length > 120 ? `${characters.slice(0, 119).join('')}…` : text;
}

// One line, and nothing in it that Markdown or HTML would take for a mark.
function inline(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_[\]<>|#~]/g, '\\$&');
}
