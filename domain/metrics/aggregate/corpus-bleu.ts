import { bleuFrom, sumCounts } from '../text/bleu-counts.ts';
import type { BleuCounts } from '../text/bleu-counts.ts';

/** BLEU of all cases together from the counts in the details of their `bleu` scores (sacreBLEU's `corpus_bleu` / 100); null without any. */
export function corpusBleu(counts: readonly BleuCounts[]): number | null {
  return counts.length === 0 ? null : bleuFrom(sumCounts(counts), { isEffectiveOrder: false });
}
