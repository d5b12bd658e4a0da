import { noteQuery } from '../entities/search/query-sample-repository.ts';
import type { SearchDependencies } from './search-dependencies.ts';
import type { SearchRequest } from './search-request.ts';

// Of each model and process: 128 vectors are kept, and index health looks at them once a day.
const everyMs = 5000;
const mostModels = 1000;
const lastAt = new Map<string, number>();

/**
 * Keeps the vector of one search every few seconds, without its words, for index health to measure with. Nobody waits for
 * it, and one that cannot be kept is not missed.
 */
export function sampleQuery(
  database: SearchDependencies['database'],
  { workspaceId, modelId }: Pick<SearchRequest, 'workspaceId' | 'modelId'>,
  embedding: Float32Array,
): void {
  if (modelId === null) return;
  const now = performance.now();
  if (now - (lastAt.get(modelId) ?? -Infinity) < everyMs) return;
  if (lastAt.size >= mostModels) lastAt.clear();
  lastAt.set(modelId, now);
  database.autocommit((em) => noteQuery(em, { workspaceId, modelId, embedding })).catch(() => {});
}
