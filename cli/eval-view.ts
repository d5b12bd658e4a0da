import type { Evaluation } from '../contracts/evaluation.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './command.ts';
import { followEvents } from './event-stream.ts';
import { safeText } from './safe-text.ts';
import type { Terminal } from './terminal.ts';

/** What CI goes by: 0 passed, 1 failed, 2 anything else. */
export function exitCodeOf({ status, verdict }: Evaluation): number {
  if (status !== 'completed') return 2;
  return verdict === 'passed' ? 0 : verdict === 'failed' ? 1 : 2;
}

/** Follows a run until it has ended, over broken connections, and shows how far it is. */
export async function followEvaluation({ api, signal, terminal }: CommandContext, id: string): Promise<Evaluation> {
  const isFinal = ({ event }: { event: string }) => event === 'done' || event === 'deleted';
  for await (const { event, data } of followEvents(api, `/evaluations/${id}/events`, { isFinal, signal })) {
    if (event === 'deleted') throw new CliError('The evaluation was deleted.');
    const run = data as Evaluation;
    const { done, failed, total } = run.progress;
    terminal.progress(`${done + failed} of ${total} items${failed > 0 ? `, ${failed} failed` : ''} …`);
    if (event !== 'done') continue;
    terminal.done();
    return run;
  }
  return api.request<Evaluation>(`/evaluations/${id}`, { signal });
}

/** A run on one line. */
export function summaryLine(terminal: Terminal, run: Evaluation): string {
  const said = run.verdict ?? run.status;
  const style = said === 'passed' ? 'green' : said === 'failed' || run.status === 'failed' ? 'red' : 'yellow';
  const { done, failed, total } = run.progress;
  const counts = `${done} of ${total}${failed > 0 ? `, ${failed} failed` : ''}`;
  return `${run.id}  ${terminal.style(style, said.padEnd(10))} ${counts}  ${safeText(run.name)}`;
}

type Figures = {
  mean: number | null;
  interval: { low: number; high: number } | null;
  unscored: number;
  baseline: { difference: number | null; better: number; worse: number; p_value: number | null } | null;
};
type Outcome = { gate: string; state: string; reason: string };

/** Shows a run with the mean of each metric, its gates and what went wrong. */
export function showEvaluation({ terminal }: CommandContext, run: Evaluation, json: boolean): void {
  if (json) return terminal.json(run);
  terminal.line(summaryLine(terminal, run));
  const variants = Object.entries(run.metrics as Record<string, Record<string, Figures>>);
  for (const [variant, metrics] of variants) {
    if (variants.length > 1) terminal.line(`  ${safeText(variant)}`);
    for (const [metric, figures] of Object.entries(metrics)) terminal.line(`  ${metricLine(metric, figures)}`);
  }
  for (const { gate, state, reason } of run.verdict_reasons as Outcome[]) {
    const style = state === 'passed' ? 'green' : state === 'failed' ? 'red' : 'yellow';
    terminal.line(`  ${terminal.style(style, state.padEnd(10))} ${safeText(gate)}: ${safeText(reason)}`);
  }
  if (run.error) terminal.line(`  ${run.error.code}: ${safeText(run.error.detail)}`);
  if (run.hint !== null) terminal.line(`  ${safeText(run.hint)}`);
}

function metricLine(metric: string, { mean, interval, unscored, baseline }: Figures): string {
  const figure = mean === null ? 'no score' : rounded(mean);
  const between = interval === null ? '' : ` (${rounded(interval.low)} to ${rounded(interval.high)})`;
  const missing = unscored > 0 ? `, ${unscored} unscored` : '';
  const compared =
    baseline === null || baseline.difference === null
      ? ''
      : `; ${baseline.difference >= 0 ? '+' : ''}${rounded(baseline.difference)} to the baseline, ${baseline.better} better, ` +
        `${baseline.worse} worse${baseline.p_value === null ? '' : `, p ${rounded(baseline.p_value)}`}`;
  return `${safeText(metric).padEnd(24)} ${figure}${between}${missing}${compared}`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}
