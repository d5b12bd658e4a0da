import path from 'node:path';
import { ApiClient } from '../../cli/api-client.ts';
import { findApiKey } from '../../cli/find-stack.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { askQueries } from './ask-queries.ts';
import { compareWithBaselines } from './compare-with-baselines.ts';
import { ingestSet } from './ingest-set.ts';
import { rankingMetricNames } from './ranking-metrics.ts';
import type { RankingMetrics } from './ranking-metrics.ts';
import { readRetrievalSet } from './read-retrieval-set.ts';
import { retrievalBaselines } from './retrieval-baselines.ts';

const setsFolder = path.resolve(import.meta.dirname, '../../../shared/data/ir');
const strategies = ['vector', 'text', 'hybrid'] as const;

/**
 * How well the product finds what answers a question, as it comes: each set is ingested into a Perdure of its own, and its
 * questions go to `POST /search`. With `--home` the ingested sets are kept and used again.
 */
export async function benchRetrieval(results: Results, options: BenchOptions): Promise<void> {
  const named = options.set.length + options.dir.length === 0 ? Object.keys(retrievalBaselines) : options.set;
  const folders = [...named.map((name) => path.join(setsFolder, name)), ...options.dir];
  for (const folder of folders) {
    const set = await readRetrievalSet(folder);
    const home = options.home === null ? null : path.resolve(options.home, set.name);
    await withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'], home }, async (stack) => {
      const client = new ApiClient(String(stack.urls.api), findApiKey({}, stack.home) ?? '');
      const ingested = await ingestSet(client, set, options.language);
      const reached = new Map<string, RankingMetrics>();
      for (const strategy of strategies) {
        const { metrics, msPerQuery } = await askQueries(client, set, strategy, options.search);
        reached.set(strategy, metrics);
        const prefix = folders.length > 1 ? `${set.name}.${strategy}` : strategy;
        for (const name of rankingMetricNames) results.record(`${prefix}.${name}`, metrics[name]);
        progress(
          `${set.name} ${strategy}: nDCG@10 ${metrics.ndcg10.toFixed(4)}, ${msPerQuery.toFixed(1)} ms a question`,
        );
      }
      results.note(
        `${set.name}: ${set.documents.length} documents, ${ingested.chunks} chunks, ${set.queries.length} questions.`,
      );
      results.note(compareWithBaselines(reached, retrievalBaselines[set.name]));
    });
  }
}
