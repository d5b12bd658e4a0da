import type { EntityManager } from '@mikro-orm/postgresql';
import { lockEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';
import { lockForPublication } from '../../entities/documents/publish-generation.ts';
import type { LockedForPublication, Publication } from '../../entities/documents/publish-generation.ts';
import { beginEmbeddingAttempt } from '../../entities/usage/embedding-usage-repository.ts';
import { beginTexts, type BegunLane } from './begin-embedding.ts';
import { embeddingLanes } from './embed-range.ts';
import { embedWithModel, type Completion } from './embed-with-model.ts';
import { isFree } from './embedding-lane.ts';
import type { EmbeddingLane } from './embedding-lane.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { ingestionFailure, isFenced } from './ingestion-failure.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { ReadDocument } from './read-document.ts';
import type { PreparedDocument } from './prepared-document.ts';
import { verifyAndActivate } from './publish-generation.ts';
import type { Step } from './run-step.ts';
import { stopWhenFenced } from './stop-when-fenced.ts';
import { textsToEmbed, type TextToEmbed } from './texts-to-embed.ts';

// A provider answers for so many within a second or so.
const mostChunks = 64;

/** A small document on its way from its chunks to being served. */
export type SmallDocument = {
  /** Finds in the transaction that stores the chunks what is to be embedded, and notes the call for it. */
  begin(em: EntityManager): Promise<void>;
  /** Embeds the rest and activates; null if that is left to steps of their own. */
  finish(): Promise<PreparedDocument | null>;
};

/**
 * What is left of a document that was just read, for as little as it costs: its texts are at hand, and the last vectors
 * are stored, counted and made visible by one transaction. Null where it has many chunks, or a model computes here, which
 * takes longer than a workflow task should.
 */
export function smallDocument(
  deps: IngestionDeps,
  step: Step,
  taken: Pick<ReadDocument, 'generation' | 'models' | 'document'>,
): SmallDocument | null {
  const { generation, models, document } = taken;
  if (!isSmall(taken) || models.some((model) => isFree({ model }))) return null;
  let lanes: EmbeddingLane[] = [];
  let begun: BegunLane;
  return {
    async begin(em) {
      const range = { from: 0, to: document.chunks.length };
      const attempt = await beginEmbeddingAttempt(em, step.run.documentId, range);
      lanes = smallLanes(deps, { ...step, attempt }, taken);
      begun = await beginTexts(em, lanes[0]!, {
        chunks: document.chunks.length,
        vectorTypeId: generation.vector_type_id,
        texts: smallTexts(taken, deps.embeddingModel(models[0]!)),
      });
    },
    finish: () => finishSmall(deps, step, lanes, begun),
  };
}

/** Whether a document that was read has few chunks. */
export function isSmall({ document }: Pick<ReadDocument, 'document'>): boolean {
  return document.chunks.length <= mostChunks;
}

/** The lanes of a small document, one a model. */
export function smallLanes(
  deps: IngestionDeps,
  step: Step,
  { models, document }: Pick<ReadDocument, 'models' | 'document'>,
): EmbeddingLane[] {
  const range = { from: 0, to: document.chunks.length };
  // Progress is what the activation says: one update of the generation's row a transaction.
  return embeddingLanes(deps, step, range, models).map((lane) => ({ ...lane, isLast: false }));
}

/** The texts to embed of a document that was just read, with the model by whose tokens it was cut. */
export function smallTexts(
  { generation, document }: Pick<ReadDocument, 'generation' | 'document'>,
  embedder: EmbeddingModel,
): TextToEmbed[] {
  const chunks = document.chunks.map(({ index, content, tokens, metadata }) => ({
    index,
    content,
    tokens,
    title: document.title,
    headings: [...(metadata.headings ?? [])],
    tableHeader: metadata.table_header ?? null,
    vectorTypeId: generation.vector_type_id,
  }));
  return textsToEmbed(chunks, embedder, { counted: true });
}

/**
 * Embeds what is left of a small document whose first lane was begun, and activates it; null if that is left to steps of
 * their own.
 */
export async function finishSmall(
  deps: IngestionDeps,
  step: Step,
  lanes: readonly EmbeddingLane[],
  begun: BegunLane,
): Promise<PreparedDocument | null> {
  const { run } = step;
  const completion = completionOf(run);
  try {
    await stopWhenFenced(deps.database, step, async ({ signal }) => {
      for (const [index, lane] of lanes.entries()) {
        const watched = { ...lane, step: { ...lane.step, signal } };
        const isLast = index === lanes.length - 1;
        const lead = index === 0 ? begun : undefined;
        const { again } = await embedWithModel(watched, lead, isLast ? completion : undefined);
        if (again) throw new LeftToLater();
      }
    });
  } catch (error) {
    step.signal.throwIfAborted();
    // How it ended is asked for below; what another attempt may mend is left to it.
    if (!isFenced(error)) {
      if (ingestionFailure(error).nonRetryable) throw error;
      return null;
    }
  }
  const publication = completion.publication ?? (await publish());
  deps.notifyDocument(run.documentId);
  if (publication.state === 'incomplete') return null;
  if (publication.state !== 'active') return { state: publication.state, chunks: 0 };
  return { state: 'active', chunks: publication.chunks, superseded: publication.superseded };

  function publish(): Promise<Publication> {
    return deps.database.inWorkspace(run.workspaceId, async (em) => {
      await lockEmbeddingModels(em, run.workspaceId, 'shared');
      return verifyAndActivate(em, run);
    });
  }
}

/** Activates in the transaction that stores the last vectors; `publication` is set once that is committed. */
function completionOf(run: GenerationRun): Completion & { publication: Publication | null } {
  let locked: LockedForPublication;
  let publication: Publication;
  return {
    publication: null,
    async hold(em) {
      await lockEmbeddingModels(em, run.workspaceId, 'shared');
      locked = await lockForPublication(em, run);
      return locked.isHeld;
    },
    async end(em) {
      publication = await verifyAndActivate(em, run, locked);
    },
    committed() {
      this.publication = publication;
    },
  };
}

/** Ends the work on a document whose next call has to wait: steps of its own wait for that, and hold no slot. */
class LeftToLater extends Error {}
