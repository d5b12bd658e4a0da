import { isSmallDocument } from '../../contracts/names/small-documents.ts';
import { readSourceModels } from '../../entities/agents/embedding-model-repository.ts';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import { takeOverBatch } from '../../entities/documents/take-over-batch.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import type { TakenDocument } from './read-document.ts';
import type { OwnedStep } from './run-step.ts';

/**
 * Takes over, in one transaction, those documents of a batch that are small, and on which nobody has worked yet; by their
 * ids. The steps are those of one run.
 */
export async function takeOverSmall(
  deps: IngestionDeps,
  steps: readonly OwnedStep[],
  order: { startedAt: string; largestBytes: number },
): Promise<ReadonlyMap<string, TakenDocument>> {
  const [{ run, workflowId }] = steps as [OwnedStep];
  const { workspaceId, runId } = run;
  const batch = { workspaceId, runId, workflowId, runStartedAt: new Date(order.startedAt) };
  const taken = await deps.database.inWorkspace(workspaceId, async (em) => {
    const keys = steps.map((step) => step.run);
    const generations = await takeOverBatch(em, { ...batch, keys }, ({ mime_type: mimeType, byte_size: byteSize }) =>
      isSmallDocument({ mimeType, byteSize }, order.largestBytes),
    );
    const models = new Map<string | null, readonly EmbeddingModelRow[]>();
    for (const { knowledgeSourceId: source } of generations)
      if (!models.has(source)) models.set(source, await readSourceModels(em, workspaceId, source));
    return generations.map(({ bytes, ...generation }): [string, TakenDocument] => {
      const source = generation.knowledgeSourceId;
      return [generation.documentId, { generation, bytes, source, models: models.get(source)! }];
    });
  });
  for (const [documentId] of taken) deps.notifyDocument(documentId);
  return new Map(taken);
}
