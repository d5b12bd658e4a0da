import { createEmbedChunks } from './embed-chunks.ts';
import { createFailGeneration } from './fail-generation.ts';
import { createIngestSmall } from './ingest-small.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { createPrepareDocument } from './prepare-document.ts';
import { createDropSuperseded, createPublishGeneration } from './publish-generation.ts';

/** The steps of ingesting a document. */
export function createIngestionActivities(deps: IngestionDeps) {
  return {
    prepareDocument: createPrepareDocument(deps),
    ingestSmall: createIngestSmall(deps),
    embedChunks: createEmbedChunks(deps),
    publishGeneration: createPublishGeneration(deps),
    dropSuperseded: createDropSuperseded(deps),
    failGeneration: createFailGeneration(deps),
  };
}
