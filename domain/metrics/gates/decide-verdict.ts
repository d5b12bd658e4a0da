import { caseMeans } from '../aggregate/case-scores.ts';
import type { CaseScore } from '../aggregate/case-scores.ts';
import { mean } from '../aggregate/quantile.ts';
import { measureStatistic } from '../aggregate/summarize-scores.ts';
import type { MetricChoice } from '../metric.ts';
import { describeGate } from './gate.ts';
import type { Gate, GateOutcome, Verdict } from './gate.ts';

/** The scores of one metric in one variant; what never ended is there as a row that is unscored. */
export type MeasuredMetric = {
  readonly variant: number;
  readonly choice: MetricChoice;
  readonly rows: readonly CaseScore[];
  /** Of the baseline; null where there is no baseline or it has not this metric. */
  readonly baseline: readonly CaseScore[] | null;
};

/** One condition of a gate on given rows: what is measured, and whether that is enough. */
type Condition = {
  readonly measure: (rows: readonly CaseScore[]) => number | null;
  /** What was measured, in words. */
  readonly say: (shown: string) => string;
  readonly holds: (value: number) => boolean;
  /** The score that a missing one could have at best, in view of this condition. */
  readonly best: number | null;
};

/**
 * Whether a run meets its gates: failed when one failed, else incomplete when one cannot be decided, else passed. A gate
 * without a variant counts for each. A score that is missing leaves its gate incomplete, unless so few are missing as the
 * gate allows, or it fails even if each missing score were the best possible. Without gates, whatever is unscored makes
 * the run incomplete.
 */
export function decideVerdict(
  gates: readonly Gate[],
  measured: readonly MeasuredMetric[],
): { readonly verdict: Verdict; readonly gates: readonly GateOutcome[] } {
  if (gates.length === 0) {
    const isWhole = measured.every(({ rows }) => rows.every(({ state }) => state !== 'unscored'));
    return { verdict: isWhole ? 'passed' : 'incomplete', gates: [] };
  }
  const outcomes = gates.flatMap((gate): GateOutcome[] => {
    const meant = measured.filter(
      ({ variant, choice }) => choice.label === gate.metric && (gate.variant ?? variant) === variant,
    );
    if (meant.length > 0) return meant.map((each) => decideGate(gate, each));
    const reason = `${gate.metric} was not measured${gate.variant === undefined ? '' : ` in variant ${gate.variant}`}.`;
    return [{ ...outcomeOf(gate, gate.variant ?? null), state: 'incomplete', value: null, reason }];
  });
  const has = (state: Verdict) => outcomes.some((each) => each.state === state);
  return { verdict: has('failed') ? 'failed' : has('incomplete') ? 'incomplete' : 'passed', gates: outcomes };
}

function decideGate(gate: Gate, measured: MeasuredMetric): GateOutcome {
  const about = outcomeOf(gate, measured.variant);
  const { rows } = measured;
  if (gate.no_regression_beyond !== undefined && measured.baseline === null) {
    return { ...about, state: 'incomplete', value: null, reason: 'There is no baseline to compare with.' };
  }
  const conditions = conditionsOf(gate, measured);
  const [first] = conditions;
  const value = first!.measure(rows);
  const unscored = rows.filter(({ state }) => state === 'unscored').length;
  const due = rows.length - rows.filter(({ state }) => state === 'not_applicable').length;
  const isEnough = unscored <= (gate.max_unscored_share ?? 0) * due;
  if (!isEnough) {
    const missing = `${unscored} of ${due} scores are missing`;
    const isLost = conditions.some((condition) => failsAtBest(condition, rows));
    if (!isLost) return { ...about, state: 'incomplete', value, reason: `${missing}.` };
    return { ...about, state: 'failed', value, reason: `${missing}, and it fails whatever they are.` };
  }
  const values = conditions.map(({ measure }) => measure(rows));
  if (values.some((each) => each === null)) {
    return { ...about, state: 'incomplete', value: null, reason: 'Nothing was scored that it could be decided by.' };
  }
  const broken = conditions.findIndex(({ holds }, index) => !holds(values[index]!));
  const reason = conditions
    .map(({ say }, index) => say(String(Number(values[index]!.toPrecision(6)))))
    .filter((text, index, all) => all.indexOf(text) === index)
    .join(' ');
  return broken < 0
    ? { ...about, state: 'passed', value, reason }
    : { ...about, state: 'failed', value: values[broken]!, reason };
}

function conditionsOf(gate: Gate, { choice, baseline }: MeasuredMetric): Condition[] {
  const [least, greatest] = choice.metric.range(choice.parameters);
  const measure = (rows: readonly CaseScore[]) => measureStatistic(rows, gate.statistic ?? 'mean');
  const say = (shown: string) => `It is ${shown}.`;
  const { min, max, no_regression_beyond: beyond } = gate;
  const isBetterHigher = choice.metric.higherIsBetter(choice.parameters);
  return [
    ...(min === undefined ? [] : [{ measure, say, holds: (value: number) => value >= min, best: greatest }]),
    ...(max === undefined ? [] : [{ measure, say, holds: (value: number) => value <= max, best: least }]),
    ...(beyond === undefined
      ? []
      : [
          {
            measure: (rows: readonly CaseScore[]) => meanDifference(baseline ?? [], rows),
            say: (shown: string) => `The mean of the cases that both have differs from the baseline's by ${shown}.`,
            // Differences of sums in another order miss the bound by an ulp.
            holds: (difference: number) => (isBetterHigher ? -difference : difference) <= beyond + 1e-12,
            best: isBetterHigher ? greatest : least,
          },
        ]),
  ];
}

function failsAtBest({ measure, holds, best }: Condition, rows: readonly CaseScore[]): boolean {
  if (best === null) return false;
  const filled = rows.map((row) =>
    row.state === 'unscored' ? ({ ...row, state: 'scored', score: best } as const) : row,
  );
  const value = measure(filled);
  return value !== null && !holds(value);
}

function meanDifference(baseline: readonly CaseScore[], rows: readonly CaseScore[]): number | null {
  const before = caseMeans(baseline);
  const differences = Array.from(caseMeans(rows)).flatMap(([caseId, score]) => {
    const old = before.get(caseId);
    return old === undefined ? [] : [score - old];
  });
  return differences.length === 0 ? null : mean(differences);
}

function outcomeOf(gate: Gate, variant: number | null): Pick<GateOutcome, 'gate' | 'metric' | 'variant'> {
  return { gate: describeGate(gate), metric: gate.metric, variant };
}
