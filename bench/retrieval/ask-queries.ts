import type { z } from 'zod';
import type { ApiClient } from '../../cli/api-client.ts';
import type { searchResultSchema } from '../../contracts/search.ts';
import { meanMetrics, measureRanking } from './ranking-metrics.ts';
import type { RankingMetrics } from './ranking-metrics.ts';
import type { RetrievalSet } from './read-retrieval-set.ts';

const callers = 4;
// Enough for recall@100; a document counts by its best chunk.
const asked = { top_k: 100, max_per_document: 1 };

/** Asks every question of the set, a few at once, and measures the lists of documents that come back. */
export async function askQueries(
  client: ApiClient,
  set: RetrievalSet,
  strategy: 'vector' | 'text' | 'hybrid',
  parameters: Record<string, unknown>,
): Promise<{ metrics: RankingMetrics; msPerQuery: number }> {
  const waiting = set.queries.entries();
  const all: RankingMetrics[] = [];
  let elapsed = 0;
  const ask = async () => {
    for (const [index, { text, relevant }] of waiting) {
      const started = performance.now();
      const { hits } = await client.request<z.infer<typeof searchResultSchema>>('/search', {
        method: 'POST',
        body: { query: text, strategy, ...asked, ...parameters },
      });
      elapsed += performance.now() - started;
      all[index] = measureRanking(
        hits.map((hit) => hit.path ?? ''),
        relevant,
      );
    }
  };
  await Promise.all(Array.from({ length: callers }, ask));
  return { metrics: meanMetrics(all), msPerQuery: elapsed / all.length };
}
