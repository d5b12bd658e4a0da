import { describe, expect, test } from '@jest/globals';
import { sumUse, type CallUse } from '../../../domain/turns/sum-use.ts';
import { reachedLimit } from '../../../domain/turns/turn-limits.ts';

const unused = { steps: 0, tokens: 0, seconds: 0, cost: {} };
const cost = { amount: '0.25', currency: 'EUR' };

describe('the next call of the model is the last one', () => {
  test.each([
    ['steps', { steps: 3 }, { steps: 2 }],
    ['steps', { steps: 1 }, {}],
    ['tokens', { tokens: 100 }, { tokens: 100 }],
    ['seconds', { seconds: 60 }, { seconds: 60.5 }],
    ['cost', { cost }, { cost: { EUR: 0.25 } }],
  ] as const)('because of %s: %j used %j', (limit, limits, used) => {
    expect(reachedLimit(limits, { ...unused, ...used })).toBe(limit);
  });

  test.each([
    [{ steps: 3 }, { steps: 1 }],
    [{}, { steps: 23, tokens: 1e9, seconds: 1e6, cost: { EUR: 1e6 } }],
    [{ tokens: 100 }, { tokens: 99 }],
    [{ cost }, { cost: { EUR: 0.2499, USD: 9 } }],
  ] as const)('not yet: %j used %j', (limits, used) => {
    expect(reachedLimit(limits, { ...unused, ...used })).toBeNull();
  });

  test('after 24 others where the agent says nothing', () => {
    expect(reachedLimit({}, { ...unused, steps: 24 })).toBe('steps');
  });
});

describe('what a turn has used', () => {
  const call = (fields: Partial<CallUse>): CallUse => ({
    ...{ promptTokens: null, completionTokens: null, totalTokens: null, cost: null, currency: null, pricing: {} },
    ...{ estimatedPromptTokens: 1000, estimatedCompletionTokens: 500 },
    ...fields,
  });
  const pricing = { input_per_million: '2', output_per_million: '8', currency: 'USD' };

  test('is what the provider has counted', () => {
    const settled = call({
      promptTokens: 10,
      completionTokens: 5,
      totalTokens: 15,
      cost: 0.5,
      currency: 'EUR',
      pricing,
    });
    expect(sumUse([settled, settled])).toEqual({ tokens: 30, cost: { EUR: 1 } });
  });

  test('and what was estimated where a figure is unknown, at its price where there is one', () => {
    expect(sumUse([call({ pricing }), call({})])).toEqual({ tokens: 3000, cost: { USD: 0.006 } });
    expect(sumUse([call({ promptTokens: 100, pricing })]).tokens).toBe(600);
  });
});
