/**
 * One paid call of a turn as its rows say it: the provider's figures, null where they are unknown; what was estimated;
 * and the price that the row copied.
 */
export type CallUse = {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
  readonly estimatedPromptTokens: number;
  readonly estimatedCompletionTokens: number;
  readonly cost: number | null;
  readonly currency: string | null;
  readonly pricing: Readonly<Record<string, unknown>>;
};

/**
 * What calls have used in all. An unknown figure counts as it was estimated, since a limit must hold for calls too whose
 * figures never came; a call without a price costs nothing here.
 */
export function sumUse(calls: readonly CallUse[]): { tokens: number; cost: Record<string, number> } {
  let tokens = 0;
  const cost: Record<string, number> = {};
  for (const call of calls) {
    const prompt = call.promptTokens ?? call.estimatedPromptTokens;
    const completion = call.completionTokens ?? call.estimatedCompletionTokens;
    tokens += call.totalTokens ?? prompt + completion;
    const currency = call.currency ?? call.pricing['currency'];
    const spent = call.cost ?? price(call.pricing, prompt, completion);
    if (typeof currency === 'string' && spent !== null) cost[currency] = (cost[currency] ?? 0) + spent;
  }
  return { tokens, cost };
}

function price(pricing: CallUse['pricing'], prompt: number, completion: number): number | null {
  const { input_per_million: input, output_per_million: output } = pricing;
  if (typeof input !== 'string' || typeof output !== 'string') return null;
  return (prompt * Number(input) + completion * Number(output)) / 1_000_000;
}
