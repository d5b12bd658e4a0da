import { readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import { holdGeneration } from '../../entities/documents/document-generation-repository.ts';
import { beginEmbeddingAttempt } from '../../entities/usage/embedding-usage-repository.ts';
import { beginEmbedding } from './begin-embedding.ts';
import { embedWithModel } from './embed-with-model.ts';
import { isFree, type ChunkRange, type ComeAgain, type EmbeddingLane } from './embedding-lane.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { Step } from './run-step.ts';

/**
 * Embeds what is missing in a range of a generation's chunks with every model that its source uses, one after the other;
 * returns how many chunks that were, and when to come again for the rest, if any is left and the caller comes again. What
 * the first model has to do is found in the transaction that holds the generation.
 */
export async function embedRange(
  deps: IngestionDeps,
  step: Step,
  range: ChunkRange,
  waiting: Pick<EmbeddingLane, 'ifNotDue' | 'again'>,
): Promise<{ embedded: number; again: ComeAgain | null }> {
  const { run } = step;
  const { lanes, begun } = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    if (!(await holdGeneration(em, run))) throw generationFenced();
    const models = await readEmbeddingModels(em, run.workspaceId, run.documentId);
    const isPaid = models.some((model) => !isFree({ model }));
    const attempt = isPaid ? await beginEmbeddingAttempt(em, run.documentId, range) : step.attempt;
    const made = embeddingLanes(deps, { ...step, attempt }, range, models).map((lane) => ({ ...lane, ...waiting }));
    const [first] = made;
    return { lanes: made, begun: first && (await beginEmbedding(em, first)) };
  });
  let embedded = 0;
  for (const [index, lane] of lanes.entries()) {
    const done = await embedWithModel(lane, index === 0 ? begun : undefined);
    embedded += done.embedded;
    if (done.again) return { embedded, again: done.again };
  }
  return { embedded, again: null };
}

/** A lane for each model, in the order of the models; they leave what would have to wait. */
export function embeddingLanes(
  deps: IngestionDeps,
  step: Step,
  range: ChunkRange,
  models: readonly EmbeddingModelRow[],
): EmbeddingLane[] {
  return models.map((model, index) => ({
    deps,
    step,
    model,
    range,
    embedder: deps.embeddingModel(model),
    hold: (em) => holdGeneration(em, step.run),
    isFirst: index === 0,
    isLast: index === models.length - 1,
    ifNotDue: 'leave',
    again: null,
  }));
}
