import { computedJudge } from '../computed-judge.ts';
import type { Metric } from '../metric.ts';

/** What the target's calls cost, in the currency of the prices of its models; unscored where a figure is unknown. */
export const cost: Metric = {
  name: 'cost',
  title: 'Cost',
  kind: 'operations',
  range: () => [0, null],
  higherIsBetter: () => false,
  needs: ['cost'],
  parameters: {},
  required: [],
  source: "The provider's own token counts times the prices copied into the usage rows",
  judge: computedJudge((input) => ({ state: 'scored', score: input.cost! })),
};
