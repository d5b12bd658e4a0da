import { defaultTurnLimits, type TurnLimit, type TurnLimits } from '../../contracts/names/turn-limits.ts';

/** What a turn has used so far: completed calls of the model, tokens, seconds of work, and money by currency. */
export type TurnUse = {
  readonly steps: number;
  readonly tokens: number;
  readonly seconds: number;
  readonly cost: Readonly<Record<string, number>>;
};

/**
 * Asked before each call of the model: the limit because of which this call must be the last, so that the turn ends with
 * an answer; null when the model may go on asking for tools. What an agent's limits leave out has its default.
 */
export function reachedLimit(limits: Partial<TurnLimits>, used: TurnUse): TurnLimit | null {
  const { steps, tokens, seconds, cost } = { ...defaultTurnLimits, ...limits };
  if (used.steps >= steps - 1) return 'steps';
  if (tokens !== null && used.tokens >= tokens) return 'tokens';
  if (seconds !== null && used.seconds >= seconds) return 'seconds';
  if (cost !== null && (used.cost[cost.currency] ?? 0) >= Number(cost.amount)) return 'cost';
  return null;
}
