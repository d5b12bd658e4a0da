import type { EntityManager } from '@mikro-orm/postgresql';
import { insertChunks } from '../../entities/documents/document-chunk-repository.ts';
import {
  finishChunking,
  holdGeneration,
  storeContent,
} from '../../entities/documents/document-generation-repository.ts';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';
import { insertChunkTerms } from '../../entities/search/chunk-terms-repository.ts';
import type { ExtractedDocument } from './extract-chunks.ts';
import { indexChunks } from './index-chunks.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import { inTurns } from './in-turns.ts';

// One transaction each: about 0.4 s of insertion, for which a delete of the document may have to wait.
const chunksPerTransaction = 1000;

/**
 * Stores a document's text, its chunks and their terms. `beforeLast` runs in the transaction that stores the last of
 * them, before the generation's row is changed.
 * @throws ApplicationFailure `fenced` when the generation cannot be held any more.
 */
export async function storeChunks(
  deps: Pick<IngestionDeps, 'database'>,
  run: GenerationRun,
  { kept, title, chunks }: ExtractedDocument,
  signal: AbortSignal,
  beforeLast: (em: EntityManager) => Promise<void>,
): Promise<void> {
  const { language } = kept;
  for (let from = 0; from < chunks.length; from += chunksPerTransaction) {
    signal.throwIfAborted();
    const part = chunks.slice(from, from + chunksPerTransaction);
    const terms = await inTurns(indexChunks({ title, language, workspaceId: run.workspaceId }, part), signal);
    const isLast = from + part.length === chunks.length;
    await deps.database.inWorkspace(run.workspaceId, async (em) => {
      if (!(await holdGeneration(em, run))) throw generationFenced();
      await insertChunks(em, run, part);
      await insertChunkTerms(em, run, terms);
      if (isLast) await beforeLast(em);
      if (from === 0) await storeContent(em, run, { ...kept, expectedChunks: isLast ? chunks.length : null });
      else if (isLast) await finishChunking(em, run, chunks.length);
    });
  }
}
