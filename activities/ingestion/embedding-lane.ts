import type { EntityManager } from '@mikro-orm/postgresql';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import { copyKnownEmbeddings } from '../../entities/documents/chunk-embedding-repository.ts';
import type { HashedChunks } from '../../entities/documents/chunk-embedding-repository.ts';
import { addEmbeddedChunks } from '../../entities/documents/document-generation-repository.ts';
import type { EmbeddingPayer } from '../../entities/documents/embedding-cache-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { Step } from './run-step.ts';
import type { TextToEmbed } from './texts-to-embed.ts';

/** Chunks from `from` up to, but without, `to`. */
export type ChunkRange = { from: number; to: number };

/**
 * Where a step stands that ended because the turn of its next call was more than about a second away: when to come again,
 * the moment that is booked for a call of the model (ISO 8601), and how often it has looked for vectors of others.
 */
export type ComeAgain = { afterMs: number; modelId: string; booked: string | null; looks: number };

/** Who embeds which chunks of a generation with which model, and under which lock. */
export type EmbeddingLane = {
  deps: Pick<IngestionDeps, 'database' | 'notifyDocument'>;
  step: Step;
  model: EmbeddingModelRow;
  range: ChunkRange;
  /** Holds the generation for a transaction's writes; false if this step must write nothing more to it. */
  hold(em: EntityManager): Promise<boolean>;
  embedder: EmbeddingModel;
  /** Whether the chunks were cut by this model's tokens. */
  isFirst: boolean;
  /** Whether its vectors count as progress: those of the last model do, which completes a chunk. */
  isLast: boolean;
  /** What to do when a call's turn is more than about a second away: to wait, to leave the rest, or to come again. */
  ifNotDue: 'wait' | 'leave' | 'come_again';
  /** Where the step stood when it ended to come again; null at first. */
  again: ComeAgain | null;
};

/** Runs a transaction that holds the generation. */
export async function inGeneration<T>(
  { deps, step, hold }: Pick<EmbeddingLane, 'deps' | 'step' | 'hold'>,
  work: (em: EntityManager) => Promise<T>,
): Promise<T> {
  return deps.database.inWorkspace(step.run.workspaceId, async (em) => {
    if (!(await hold(em))) throw generationFenced();
    return work(em);
  });
}

/** Stores the vectors that are known already; returns the texts whose vectors are not. */
export async function takeKnown(
  em: EntityManager,
  lane: EmbeddingLane,
  texts: readonly TextToEmbed[],
): Promise<TextToEmbed[]> {
  if (texts.length === 0) return [];
  const { step, model } = lane;
  const copied = new Set(await copyKnownEmbeddings(em, step.run, hashedChunks(model.id, texts)));
  if (copied.size > 0 && lane.isLast) await addEmbeddedChunks(em, step.run, copied.size);
  return texts.filter(({ indexes }) => !copied.has(indexes[0]!));
}

/** The chunks that have these texts, each with the hash of its text. */
export function hashedChunks(modelId: string, texts: readonly TextToEmbed[]): HashedChunks {
  return {
    modelId,
    indexes: texts.flatMap(({ indexes }) => indexes),
    hashes: texts.flatMap(({ indexes, hash }) => indexes.map(() => hash)),
  };
}

/** Whoever pays for the texts of a lane. */
export const payerOf = ({ step, model, range }: EmbeddingLane): EmbeddingPayer => ({
  ...step.run,
  modelId: model.id,
  firstChunk: range.from,
});

/** Whether the calls of the lane's model are counted against limits. */
export const isLimited = ({ model }: Pick<EmbeddingLane, 'model'>): boolean =>
  model.capabilities['requestsPerMinute'] !== undefined || model.capabilities['tokensPerMinute'] !== undefined;

/** Whether the lane's model computes on this machine, and so sends no bill: two may well compute the same. */
export const isFree = ({ model }: Pick<EmbeddingLane, 'model'>): boolean => model.provider === 'local';
