import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { embedRange } from './embed-range.ts';
import type { ChunkRange, ComeAgain } from './embedding-lane.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { runStep } from './run-step.ts';

/** How many chunks were embedded; with `again` not all of the range, and the rest when the caller comes again with it. */
export type EmbeddedChunks = { embedded: number; again?: ComeAgain };

/**
 * Embeds what is missing in a range of chunks, with every model that the document's source uses. A text whose vector is
 * stored anywhere in the workspace is not embedded again, and one that another ingestion is paying for is waited for.
 * While one batch is stored the next is embedded. Running it again goes on where the database is: no stored batch is
 * embedded or paid for twice. A caller that gives `again`, null at first, is sent away for waits of more than about a
 * second, so that they hold no slot; without it the step waits itself.
 */
export function createEmbedChunks(
  deps: IngestionDeps,
): (input: IngestDocumentInput, range: ChunkRange, again?: ComeAgain | null) => Promise<EmbeddedChunks> {
  return async function embedChunks(input, range, given) {
    return runStep(input, async (step) => {
      const waiting = { ifNotDue: given === undefined ? 'wait' : 'come_again', again: given ?? null } as const;
      const { embedded, again } = await embedRange(deps, step, range, waiting);
      return again === null ? { embedded } : { embedded, again };
    });
  };
}
