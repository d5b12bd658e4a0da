import { describe, expect, test } from '@jest/globals';

import { estimateTokenOffsets } from '../../../providers/openai/estimate-token-offsets.ts';

describe('estimateTokenOffsets', () => {
  test.each([
    // Texts with their true counts under cl100k_base (OpenAI cookbook, "How to count tokens with tiktoken").
    ['tiktoken is great!', 6],
    ['antidisestablishmentarianism', 6],
    ['2 + 2 = 4', 7],
    ['お誕生日おめでとう', 9],
  ])('comes near the tokens of %j', (text, truth) => {
    const { starts } = estimateTokenOffsets(text);
    expect(starts.length).toBeGreaterThanOrEqual(truth * 0.8);
    expect(starts.length).toBeLessThanOrEqual(truth * 1.6);
  });

  test('never cuts a character of two units', () => {
    const text = 'a👍🏽b 𝕏𝕐 x';
    const { starts, ends } = estimateTokenOffsets(text);
    for (const position of [...starts, ...ends]) expect(/[\uDC00-\uDFFF]/.test(text.charAt(position))).toBe(false);
  });
});
