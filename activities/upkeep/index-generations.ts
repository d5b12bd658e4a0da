import { insertChunkTerms } from '../../entities/search/chunk-terms-repository.ts';
import {
  findUnindexedGenerations,
  finishIndexing,
  holdUnindexed,
  readChunksToIndex,
} from '../../entities/search/unindexed-generation-repository.ts';
import type { UnindexedGeneration } from '../../entities/search/unindexed-generation-repository.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { indexChunks } from '../ingestion/index-chunks.ts';
import { inTurns } from '../ingestion/in-turns.ts';

const generationsPerStep = 50;
const chunksPerTransaction = 500;
const chunksPerStep = 5000;

/**
 * Indexes the terms of documents that were ingested before there was such an index, a few seconds of work at a time;
 * returns how many generations it finished. Interrupted anywhere, it goes on where the database is.
 */
export function createIndexGenerations(deps: { database: Database }): () => Promise<{ indexed: number }> {
  return async function indexGenerations() {
    const waiting = await deps.database.asOperator((em) => findUnindexedGenerations(em, generationsPerStep));
    let indexed = 0;
    let chunks = 0;
    for (const generation of waiting) {
      let step: Step;
      do {
        step = await indexSome(deps.database, generation);
        chunks += step.chunks;
        if (step.state === 'finished') indexed += 1;
      } while (step.state === 'unfinished' && chunks < chunksPerStep);
      if (chunks >= chunksPerStep) break;
    }
    return { indexed };
  };
}

type Step = { state: 'finished' | 'unfinished' | 'gone'; chunks: number };

async function indexSome(database: Database, generation: UnindexedGeneration): Promise<Step> {
  const { workspaceId } = generation;
  const language = generation.sourceLanguage ?? textAnalyzer.detectLanguage(generation.sample);
  return database.inWorkspace(workspaceId, async (em) => {
    if (!(await holdUnindexed(em, generation))) return { state: 'gone', chunks: 0 };
    const chunks = await readChunksToIndex(em, generation, chunksPerTransaction);
    const document = { workspaceId, title: generation.title, language };
    const terms = await inTurns(indexChunks(document, chunks), new AbortController().signal);
    await insertChunkTerms(em, generation, terms);
    if (chunks.length === chunksPerTransaction) return { state: 'unfinished', chunks: chunks.length };
    await finishIndexing(em, { ...generation, language });
    return { state: 'finished', chunks: chunks.length };
  });
}
