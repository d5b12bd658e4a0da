import type { EntityManager } from '@mikro-orm/postgresql';
import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import { holdGeneration } from '../../entities/documents/document-generation-repository.ts';
import { forgetEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import { embedWithModel, type ChunkRange } from './embed-with-model.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
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
    return runStep(input, async (step) => {
      const { run } = step;
      const models = await deps.database.inWorkspace(run.workspaceId, async (em) => {
        if (!(await holdGeneration(em, run))) throw generationFenced();
        if (step.attempt > 1) await forgetEmbeddingUsage(em, run.documentId, { ...range, attempt: step.attempt });
        return readEmbeddingModels(em, run.workspaceId, run.documentId);
      });
      let embedded = 0;
      for (const [index, model] of models.entries()) {
        const lane = {
          deps,
          step,
          model,
          range,
          embedder: deps.embeddingModel(model),
          hold: (em: EntityManager) => holdGeneration(em, run),
          isFirst: index === 0,
          isLast: index === models.length - 1,
        };
        embedded += await embedWithModel(lane);
      }
      return { embedded };
    });
  };
}
