/** The figures of a generation that tell how far it is. */
export type IngestionFigures = {
  state: string;
  stage: string;
  expected_chunks: number | null;
  embedded_chunks: number;
};

// Embedding takes nearly all of the time; what comes before and after it is short.
const beforeEmbedding: Record<string, number> = { accepted: 0, extracting: 2, chunking: 5 };
const embeddingFrom = 10;
const embeddingTo = 95;

/** How far an ingestion is, as a whole number from 0 to 100; 100 only once it has ended, well or not. */
export function ingestionPercent({ state, stage, expected_chunks, embedded_chunks }: IngestionFigures): number {
  if (state !== 'staging' && state !== 'ready') return 100;
  const early = beforeEmbedding[stage];
  if (early !== undefined) return early;
  const share = expected_chunks ? Math.min(1, embedded_chunks / expected_chunks) : 0;
  return Math.floor(embeddingFrom + share * (embeddingTo - embeddingFrom));
}
