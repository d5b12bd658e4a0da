/** An amount of money; a decimal in a string, since binary fractions cannot say it. */
export type Money = { amount: string; currency: string };

/**
 * What one turn may use up before it must answer with what it has: calls of the model, tokens, seconds of work (waiting
 * for people does not count) and money. Null is no limit.
 */
export type TurnLimits = { steps: number; tokens: number | null; seconds: number | null; cost: Money | null };

/** The limit that a turn has reached. */
export type TurnLimit = keyof TurnLimits;

/** What holds where an agent says nothing else. */
export const defaultTurnLimits: TurnLimits = { steps: 25, tokens: null, seconds: null, cost: null };
