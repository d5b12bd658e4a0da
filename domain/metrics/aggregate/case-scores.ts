/** The score of one case in one repetition; null unless `state` is scored. */
export type CaseScore = {
  readonly caseId: string;
  readonly repetition: number;
  readonly state: 'scored' | 'unscored' | 'not_applicable';
  readonly score: number | null;
};

/** The mean score of each case over its scored repetitions, in the order of the rows; cases without a score are missing. */
export function caseMeans(rows: readonly CaseScore[]): Map<string, number> {
  const sums = new Map<string, { sum: number; count: number }>();
  for (const { caseId, state, score } of rows) {
    if (state !== 'scored' || score === null) continue;
    const { sum, count } = sums.get(caseId) ?? { sum: 0, count: 0 };
    sums.set(caseId, { sum: sum + score, count: count + 1 });
  }
  return new Map(Array.from(sums, ([caseId, { sum, count }]) => [caseId, sum / count] as const));
}

/** All scores there are, repetitions each for itself. */
export function scoredValues(rows: readonly CaseScore[]): number[] {
  return rows.flatMap(({ state, score }) => (state === 'scored' && score !== null ? [score] : []));
}
