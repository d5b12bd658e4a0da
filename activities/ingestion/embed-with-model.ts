import type { EntityManager } from '@mikro-orm/postgresql';
import { setTimeout } from 'node:timers/promises';
import type { EmbeddingModelRow } from '../../entities/agents/embedding-model-repository.ts';
import {
  copyKnownEmbeddings,
  insertEmbeddings,
  readChunksToEmbed,
} from '../../entities/documents/chunk-embedding-repository.ts';
import { addEmbeddedChunks } from '../../entities/documents/document-generation-repository.ts';
import { claimTexts, releaseClaims } from '../../entities/documents/embedding-cache-repository.ts';
import { settleEmbeddingUsage, startEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingModel, EmbeddingResult } from '../../providers/embedding-model.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { embeddingBatches } from './embedding-batches.ts';
import { embeddingCallId } from './embedding-call-id.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { Step } from './run-step.ts';
import { textsToEmbed, type TextToEmbed } from './texts-to-embed.ts';

// How soon to look again for vectors that another ingestion is paying for.
const lookAgainMs = 300;

/** Chunks from `from` up to, but without, `to`. */
export type ChunkRange = { from: number; to: number };

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
};

type Lane = EmbeddingLane & { vectorTypeId: number };

/**
 * Embeds what is missing in a range of chunks with one model; returns how many chunks that were. A text whose vector is
 * stored anywhere in the workspace is not embedded again, and one that another ingestion is paying for is waited for.
 * While one batch is stored the next is embedded.
 * @throws ApplicationFailure `fenced` when the generation cannot be held any more.
 */
export async function embedWithModel(embeddingLane: EmbeddingLane): Promise<number> {
  const lane: Lane = { ...embeddingLane, vectorTypeId: 0 };
  const { step, model, range } = lane;
  const { chunks, missing } = await inGeneration(lane, async (em) => {
    const found = await readChunksToEmbed(em, step.run, model.id, range);
    lane.vectorTypeId = found[0]?.vectorTypeId ?? 0;
    const texts = textsToEmbed(found, lane.embedder, { counted: lane.isFirst });
    return { chunks: found.length, missing: await takeKnown(em, lane, texts) };
  });
  lane.deps.notifyDocument(step.run.documentId);
  let waiting = await embedUnclaimed(lane, missing);
  while (waiting.length > 0) {
    await setTimeout(lookAgainMs, undefined, { signal: step.signal });
    waiting = await embedUnclaimed(lane, waiting);
  }
  return chunks;
}

/** Embeds batch after batch; returns the texts that somebody else is paying for. */
async function embedUnclaimed(lane: Lane, texts: readonly TextToEmbed[]): Promise<TextToEmbed[]> {
  const { step, embedder } = lane;
  const elsewhere: TextToEmbed[] = [];
  let storing: Promise<void> = Promise.resolve();
  for (const wanted of embeddingBatches(texts, embedder.maxBatch)) {
    const { batch, claimed } = await claim(lane, wanted);
    elsewhere.push(...claimed);
    if (batch.length === 0) continue;
    const { result, call } = await embed(lane, batch);
    await storing;
    storing = storeBatch(lane, batch, result, call);
    // Its failure is thrown where it is awaited; without this it would count as unhandled until then.
    storing.catch(() => {});
  }
  await storing;
  step.signal.throwIfAborted();
  return elsewhere;
}

/** Says who pays for the texts of a batch. A model on this machine sends no bill: two may well compute the same. */
async function claim(lane: Lane, wanted: TextToEmbed[]): Promise<{ batch: TextToEmbed[]; claimed: TextToEmbed[] }> {
  if (isFree(lane)) return { batch: wanted, claimed: [] };
  return inGeneration(lane, async (em) => {
    const places = new Set(
      await claimTexts(
        em,
        payerOf(lane),
        wanted.map(({ hash }) => hash),
      ),
    );
    const own = wanted.filter((_, place) => places.has(place));
    // Looked up again under the claim: its former holder may have stored the vectors meanwhile.
    const batch = await takeKnown(em, lane, own);
    const claimed = wanted.filter((_, place) => !places.has(place));
    return { batch, claimed: await takeKnown(em, lane, claimed) };
  });
}

/** One call of the model. It is noted before it is made; a model on this machine has no bill to agree with. */
async function embed(
  lane: Lane,
  batch: readonly TextToEmbed[],
): Promise<{ result: EmbeddingResult; call: string | null }> {
  const { deps, step, model, embedder } = lane;
  const texts = batch.map(({ text }) => text);
  const options = { signal: step.signal, priority: 'batch' } as const;
  if (isFree(lane)) return { result: await embedder.embed(texts, options), call: null };
  const { run, attempt } = step;
  const first = batch[0]!.indexes[0]!;
  const callId = embeddingCallId(run, model.id, first, attempt);
  const tokens = texts.reduce((sum, text) => sum + embedder.countTokens(text), 0);
  const result = await paceCall(
    deps.database,
    { workspaceId: run.workspaceId, modelId: model.id, provider: model.provider, capabilities: model.capabilities },
    { tokens, signal: step.signal },
    {
      async call() {
        await deps.database.inWorkspace(run.workspaceId, (em) =>
          startEmbeddingUsage(em, {
            callId,
            workspaceId: run.workspaceId,
            documentId: run.documentId,
            modelId: model.id,
            step: first,
            attempt,
            pricing: model.pricing,
          }),
        );
        return embedder.embed(texts, { ...options, callId });
      },
      tokensOf: ({ usage }) => usage.promptTokens,
    },
  );
  return { result, call: callId };
}

async function storeBatch(
  lane: Lane,
  batch: readonly TextToEmbed[],
  { vectors, usage }: EmbeddingResult,
  call: string | null,
): Promise<void> {
  const { deps, step, model } = lane;
  const { run } = step;
  const held = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    // Paid is paid: the figure is kept even if the vectors come too late.
    if (call !== null) await settleEmbeddingUsage(em, call, usage.promptTokens);
    if (!(await lane.hold(em))) return false;
    const stored = await insertEmbeddings(em, run, {
      ...hashedChunks(model.id, batch),
      vectorTypeId: lane.vectorTypeId,
      vectors: batch.flatMap(({ indexes }, place) => indexes.map(() => vectors[place]!)),
    });
    if (call !== null) {
      await releaseClaims(
        em,
        payerOf(lane),
        batch.map(({ hash }) => hash),
      );
    }
    if (lane.isLast) await addEmbeddedChunks(em, run, stored);
    return true;
  });
  if (!held) throw generationFenced();
  deps.notifyDocument(run.documentId);
}

/** Stores the vectors that are known already; returns the texts whose vectors are not. */
async function takeKnown(em: EntityManager, lane: Lane, texts: readonly TextToEmbed[]): Promise<TextToEmbed[]> {
  if (texts.length === 0) return [];
  const { step, model } = lane;
  const copied = new Set(await copyKnownEmbeddings(em, step.run, hashedChunks(model.id, texts)));
  if (copied.size > 0 && lane.isLast) await addEmbeddedChunks(em, step.run, copied.size);
  return texts.filter(({ indexes }) => !copied.has(indexes[0]!));
}

function hashedChunks(modelId: string, texts: readonly TextToEmbed[]) {
  return {
    modelId,
    indexes: texts.flatMap(({ indexes }) => indexes),
    hashes: texts.flatMap(({ indexes, hash }) => indexes.map(() => hash)),
  };
}

/** Runs a transaction that holds the generation. */
async function inGeneration<T>({ deps, step, hold }: Lane, work: (em: EntityManager) => Promise<T>): Promise<T> {
  return deps.database.inWorkspace(step.run.workspaceId, async (em) => {
    if (!(await hold(em))) throw generationFenced();
    return work(em);
  });
}

const payerOf = ({ step, model, range }: Lane) => ({ ...step.run, modelId: model.id, firstChunk: range.from });

const isFree = ({ model }: Lane) => model.provider === 'local';
