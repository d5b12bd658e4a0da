import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { embedRange } from './embed-range.ts';
import type { ChunkRange } from './embedding-lane.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { runStep } from './run-step.ts';

/**
 * Embeds what is missing in a range of chunks, with every model that the document's source uses. A text whose vector is
 * stored anywhere in the workspace is not embedded again, and one that another ingestion is paying for is waited for.
 * While one batch is stored the next is embedded. Running it again goes on where the database is: no stored batch is
 * embedded or paid for twice.
 */
export function createEmbedChunks(
  deps: IngestionDeps,
): (input: IngestDocumentInput, range: ChunkRange) => Promise<{ embedded: number }> {
  return async function embedChunks(input, range) {
    return runStep(input, async (step) => ({ embedded: await embedRange(deps, step, range) }));
  };
}
