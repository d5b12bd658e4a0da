import type { EntityManager } from '@mikro-orm/postgresql';
import { setTimeout } from 'node:timers/promises';
import { insertEmbeddings } from '../../entities/documents/chunk-embedding-repository.ts';
import { addEmbeddedChunks } from '../../entities/documents/document-generation-repository.ts';
import { releaseClaims } from '../../entities/documents/embedding-cache-repository.ts';
import { settleEmbeddingUsage, startEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingResult } from '../../providers/embedding-model.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { beginEmbedding, callOf, claimBatch, type BegunLane, type ClaimedBatch } from './begin-embedding.ts';
import { embeddingBatches } from './embedding-batches.ts';
import { hashedChunks, inGeneration, isFree, payerOf, type EmbeddingLane } from './embedding-lane.ts';
import { generationFenced } from './ingestion-failure.ts';
import type { TextToEmbed } from './texts-to-embed.ts';

// How soon to look again for vectors that another ingestion is paying for.
const lookAgainMs = 300;

type Lane = EmbeddingLane & { vectorTypeId: number; completion: Completion | undefined };

/**
 * Lets the transaction that stores the last vectors also end the generation. `hold` takes the locks that it needs, in
 * place of the lane's own; `end` follows the vectors; `committed` follows the commit.
 */
export type Completion = {
  hold(em: EntityManager): Promise<boolean>;
  end(em: EntityManager): Promise<void>;
  committed(): void;
};

/**
 * Embeds what is missing in a range of chunks with one model; returns how many chunks that were. A text whose vector is
 * stored anywhere in the workspace is not embedded again, and one that another ingestion is paying for is waited for.
 * While one batch is stored the next is embedded. `begun` is what was found in a transaction of the caller's. `completion`
 * runs with the last vectors, if any are stored when nothing else is waited for.
 * @throws ApplicationFailure `fenced` when the generation cannot be held any more.
 */
export async function embedWithModel(lane: EmbeddingLane, begun?: BegunLane, completion?: Completion): Promise<number> {
  const { step } = lane;
  const found = begun ?? (await inGeneration(lane, (em) => beginEmbedding(em, lane)));
  lane.deps.notifyDocument(step.run.documentId);
  const work: Lane = { ...lane, vectorTypeId: found.vectorTypeId, completion };
  let waiting = await embedUnclaimed(work, found.texts, found.claimed);
  while (waiting.length > 0) {
    await setTimeout(lookAgainMs, undefined, { signal: step.signal });
    waiting = await embedUnclaimed(work, waiting, null);
  }
  return found.chunks;
}

/** Embeds batch after batch; returns the texts that somebody else is paying for. */
async function embedUnclaimed(
  lane: Lane,
  texts: readonly TextToEmbed[],
  claimed: ClaimedBatch | null,
): Promise<TextToEmbed[]> {
  const { step, embedder } = lane;
  const elsewhere: TextToEmbed[] = [];
  let storing: Promise<void> = Promise.resolve();
  const batches = [...embeddingBatches(texts, embedder.maxBatch)];
  const embedNext = async (batch: ClaimedBatch, isLast: boolean) => {
    elsewhere.push(...batch.elsewhere);
    if (batch.own.length === 0) return;
    const embedded = await embed(lane, batch);
    await storing;
    storing = storeBatch(lane, batch.own, { ...embedded, completes: isLast && elsewhere.length === 0 });
    // Its failure is thrown where it is awaited; without this it would count as unhandled until then.
    storing.catch(() => {});
  };
  if (claimed !== null) await embedNext(claimed, batches.length === 0);
  for (const [index, wanted] of batches.entries())
    await embedNext(await claim(lane, wanted), index === batches.length - 1);
  await storing;
  step.signal.throwIfAborted();
  return elsewhere;
}

async function claim(lane: Lane, wanted: TextToEmbed[]): Promise<ClaimedBatch> {
  if (isFree(lane)) return { own: wanted, elsewhere: [], isDue: true };
  return inGeneration(lane, (em) => claimBatch(em, lane, wanted));
}

/** One call of the model. It is noted before it is made; a model on this machine has no bill to agree with. */
async function embed(
  lane: Lane,
  { own, isDue }: ClaimedBatch,
): Promise<{ result: EmbeddingResult; callId: string | null }> {
  const { deps, step, model, embedder } = lane;
  const texts = own.map(({ text }) => text);
  const options = { signal: step.signal, priority: 'batch' } as const;
  if (isFree(lane)) return { result: await embedder.embed(texts, options), callId: null };
  const { workspaceId } = step.run;
  const call = callOf(lane, own);
  const isLimited = model.capabilities['tokensPerMinute'] !== undefined;
  const tokens = isLimited ? texts.reduce((sum, text) => sum + embedder.countTokens(text), 0) : 0;
  const result = await paceCall(
    deps.database,
    { workspaceId, modelId: model.id, provider: model.provider, capabilities: model.capabilities },
    { tokens, signal: step.signal, isDue },
    {
      async call() {
        if (!isDue) await deps.database.inWorkspace(workspaceId, (em) => startEmbeddingUsage(em, call));
        return embedder.embed(texts, { ...options, callId: call.callId });
      },
      tokensOf: ({ usage }) => usage.promptTokens,
    },
  );
  return { result, callId: call.callId };
}

async function storeBatch(
  lane: Lane,
  batch: readonly TextToEmbed[],
  embedded: { result: EmbeddingResult; callId: string | null; completes: boolean },
): Promise<void> {
  const { deps, step, model } = lane;
  const { run } = step;
  const { vectors, usage } = embedded.result;
  const completion = embedded.completes ? lane.completion : undefined;
  const held = await deps.database.inWorkspace(run.workspaceId, async (em) => {
    // The generation before its usage, as whoever ends it locks them.
    const isHeld = await (completion ?? lane).hold(em);
    // Paid is paid: the figure is kept even if the vectors come too late.
    if (embedded.callId !== null) await settleEmbeddingUsage(em, embedded.callId, usage.promptTokens);
    if (!isHeld) return false;
    const stored = await insertEmbeddings(em, run, {
      ...hashedChunks(model.id, batch),
      vectorTypeId: lane.vectorTypeId,
      vectors: batch.flatMap(({ indexes }, place) => indexes.map(() => vectors[place]!)),
    });
    if (embedded.callId !== null) {
      await releaseClaims(
        em,
        payerOf(lane),
        batch.map(({ hash }) => hash),
      );
    }
    if (lane.isLast) await addEmbeddedChunks(em, run, stored);
    await completion?.end(em);
    return true;
  });
  if (!held) throw generationFenced();
  completion?.committed();
  deps.notifyDocument(run.documentId);
}
