import { describe, expect, test } from '@jest/globals';
import { defaultFusion, fuseLists } from '../../../domain/ranking/fuse-lists.ts';
import type { Candidate } from '../../../domain/ranking/fuse-lists.ts';

const candidate = (part: Partial<Candidate>): Candidate => ({
  vectorRank: null,
  vectorScore: null,
  textRank: null,
  textScore: null,
  ...part,
});

describe('reciprocal rank fusion', () => {
  test('is the sum of weight / (k + rank); a list without the candidate adds nothing, even where its score is known', () => {
    const scores = fuseLists(
      [
        candidate({ vectorRank: 1, vectorScore: 0.9, textRank: 3, textScore: 4 }),
        candidate({ vectorScore: 0.8, textRank: 1, textScore: 7 }),
      ],
      { method: 'rrf', weights: { vector: 2, text: 1 }, k: 60 },
      -1,
    );
    expect(scores[0]).toBeCloseTo(2 / 61 + 1 / 63, 12);
    expect(scores[1]).toBeCloseTo(1 / 61, 12);
  });
});

describe('the convex combination', () => {
  const weights = { vector: 3, text: 1 };

  test('scales each list from its theoretical minimum to its best, so the best of both has 1', () => {
    const [best, other] = fuseLists(
      [candidate({ vectorScore: 0.6, textScore: 8 }), candidate({ vectorScore: 0.2, textScore: 2 })],
      { method: 'convex', weights },
      -1,
    );
    expect(best).toBeCloseTo(1, 12);
    expect(other).toBeCloseTo((3 * (1.2 / 1.6) + 2 / 8) / 4, 12);
  });

  test('a missing score counts as the minimum, and lists without any score as nothing', () => {
    const both = [candidate({ vectorScore: 0.5 }), candidate({ textScore: 5 })];
    expect(fuseLists(both, { method: 'convex', weights }, -1)).toEqual([0.75, 0.25]);
    expect(fuseLists([candidate({ vectorScore: -1 })], { method: 'convex', weights }, -1)).toEqual([0]);
    expect(fuseLists([], defaultFusion, -1)).toEqual([]);
  });

  test('a metric without a minimum is scaled from -1, or from the lowest candidate where that is lower', () => {
    const inner = (scores: number[]) =>
      fuseLists(
        scores.map((vectorScore) => candidate({ vectorScore })),
        { method: 'convex', weights: { vector: 1, text: 0 } },
        null,
      );
    expect(inner([1, 0])).toEqual([1, 0.5]);
    expect(inner([10, -10, 0])).toEqual([1, 0, 0.5]);
  });
});
