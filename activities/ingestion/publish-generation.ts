import type { EntityManager } from '@mikro-orm/postgresql';
import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { deleteSupersededChunks } from '../../entities/documents/document-chunk-repository.ts';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';
import { publishGeneration as publish } from '../../entities/documents/publish-generation.ts';
import type { LockedForPublication, Publication } from '../../entities/documents/publish-generation.ts';
import { lockEmbeddingModels, readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import { forgetUsageOfEnded } from '../../entities/usage/embedding-usage-repository.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { runStep } from './run-step.ts';

const chunksPerTransaction = 1000;

/**
 * Verifies that every chunk is there with a vector of every model, and in the same transaction makes the generation the
 * one that search sees. Asked again it gives the same answer.
 */
export function createPublishGeneration(deps: IngestionDeps): (input: IngestDocumentInput) => Promise<Publication> {
  return async function publishGeneration(input) {
    return runStep(input, async ({ run }) => {
      const publication = await deps.database.inWorkspace(run.workspaceId, async (em) => {
        await lockEmbeddingModels(em, run.workspaceId, 'shared');
        return verifyAndActivate(em, run);
      });
      deps.notifyDocument(run.documentId);
      return publication;
    });
  };
}

/** Verifies and activates. The caller holds the question of which models there are, and may hold the document's rows. */
export async function verifyAndActivate(
  em: EntityManager,
  run: GenerationRun,
  locked?: LockedForPublication,
): Promise<Publication> {
  const models = await readEmbeddingModels(em, run.workspaceId, run.documentId);
  const modelIds = models.map((model) => model.id);
  const publication = await publish(em, run, modelIds, locked);
  if (publication.state === 'active') await forgetUsageOfEnded(em, [run]);
  return publication;
}

/** Deletes chunks, vectors and bytes of the generations that the published one replaced, which nothing finds any more. */
export function createDropSuperseded(
  deps: IngestionDeps,
): (input: IngestDocumentInput) => Promise<{ dropped: number }> {
  return async function dropSuperseded(input) {
    return runStep(input, async ({ run, signal }) => {
      let dropped = 0;
      for (;;) {
        signal.throwIfAborted();
        const deleted = await deps.database.inWorkspace(run.workspaceId, (em) =>
          deleteSupersededChunks(em, run, chunksPerTransaction),
        );
        if (deleted === 0) return { dropped };
        dropped += deleted;
      }
    });
  };
}
