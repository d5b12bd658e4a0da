import type { RankingMetrics } from './ranking-metrics.ts';

type Baseline = Record<'bm25' | 'dense' | 'rrf' | 'convex', RankingMetrics | null>;

const row = (ndcg10: number, recall10: number, recall100: number, mrr10: number): RankingMetrics => ({
  ndcg10,
  recall10,
  recall100,
  mrr10,
});

/**
 * What other ways reach on the known sets, whole documents (title and text) as the unit: BM25 = bm25s 0.3.16 (k1 1.5,
 * b 0.75, English stop words, Snowball stems); dense = all-MiniLM-L6-v2 on the first 256 tokens; RRF = k 60, depth 100,
 * equal weights; convex = 0.75 × (cosine + 1) / (best + 1) + 0.25 × BM25 / best BM25.
 */
export const retrievalBaselines: Readonly<Record<string, Baseline>> = {
  scifact: {
    bm25: row(0.6863, 0.8187, 0.9127, 0.6492),
    dense: row(0.6511, 0.786, 0.93, 0.6101),
    rrf: row(0.7121, 0.8503, 0.946, 0.6737),
    convex: row(0.7337, 0.8567, 0.9517, 0.6993),
  },
  cranfield: {
    bm25: row(0.3885, 0.4007, 0.7381, 0.5315),
    dense: row(0.401, 0.4185, 0.7807, 0.547),
    rrf: row(0.4345, 0.451, 0.7907, 0.5753),
    convex: row(0.4376, 0.4575, 0.7976, 0.567),
  },
  cisi: {
    bm25: row(0.3956, 0.1323, 0.4527, 0.6489),
    dense: row(0.4253, 0.1323, 0.4741, 0.6189),
    rrf: row(0.4399, 0.137, 0.5091, 0.6664),
    convex: row(0.4562, 0.1448, 0.5165, 0.7045),
  },
  'squad2-dev-half': {
    bm25: row(0.8903, 0.9656, 0.9962, 0.8658),
    dense: row(0.8004, 0.9405, 0.9966, 0.7552),
    rrf: row(0.882, 0.9801, 0.999, 0.8498),
    convex: row(0.9104, 0.9804, 0.9997, 0.8871),
  },
  'xquad-en': {
    bm25: row(0.9683, 0.9933, 0.9966, 0.9599),
    dense: null,
    rrf: row(0.9726, 0.9966, 1, 0.9646),
    convex: row(0.9778, 0.9983, 1, 0.9708),
  },
};
