import type { EntityManager } from '@mikro-orm/postgresql';
import { readChunksToEmbed } from '../../entities/documents/chunk-embedding-repository.ts';
import { claimTexts } from '../../entities/documents/embedding-cache-repository.ts';
import { startEmbeddingUsage } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingCall } from '../../entities/usage/embedding-usage-repository.ts';
import { embeddingBatches } from './embedding-batches.ts';
import { embeddingCallId } from './embedding-call-id.ts';
import { isFree, isLimited, payerOf, takeKnown, type EmbeddingLane } from './embedding-lane.ts';
import { textsToEmbed, type TextToEmbed } from './texts-to-embed.ts';

/** Texts of one call that this lane is to pay for, and those of them that somebody else is paying for. */
export type ClaimedBatch = {
  own: TextToEmbed[];
  elsewhere: TextToEmbed[];
  /** Whether the call for `own` is noted already, and may be made at once. */
  isDue: boolean;
};

/** What a lane has to do: how many of its chunks lacked a vector, which texts are to be claimed, and what was claimed. */
export type BegunLane = { chunks: number; vectorTypeId: number; texts: TextToEmbed[]; claimed: ClaimedBatch | null };

/**
 * Reads what is missing in a lane's range and takes over the vectors that the workspace has. What fits one call of a model
 * without limits is claimed in the same transaction. The caller holds the generation.
 */
export async function beginEmbedding(em: EntityManager, lane: EmbeddingLane): Promise<BegunLane> {
  const found = await readChunksToEmbed(em, lane.step.run, lane.model.id, lane.range);
  const texts = textsToEmbed(found, lane.embedder, { counted: lane.isFirst });
  return beginTexts(em, lane, { chunks: found.length, vectorTypeId: found[0]?.vectorTypeId ?? 0, texts });
}

/** The same for texts that are at hand. */
export async function beginTexts(
  em: EntityManager,
  lane: EmbeddingLane,
  { texts, ...found }: Omit<BegunLane, 'claimed'>,
): Promise<BegunLane> {
  const begun = { ...found, texts: [], claimed: null };
  if (texts.length === 0) return begun;
  const batches = [...embeddingBatches(texts, lane.embedder.maxBatch)];
  // A call that may have to wait for its turn claims its texts when that has come: nobody else is kept waiting for it.
  if (isFree(lane) || isLimited(lane) || batches.length > 1)
    return { ...begun, texts: await takeKnown(em, lane, texts) };
  return { ...begun, claimed: await claimBatch(em, lane, texts, { unlessPaused: true }) };
}

/**
 * Says who pays for the texts of a batch, and notes the call; `unlessPaused` only if the provider has not asked for a pause.
 * The caller holds the generation.
 */
export async function claimBatch(
  em: EntityManager,
  lane: EmbeddingLane,
  wanted: readonly TextToEmbed[],
  { unlessPaused }: { unlessPaused: boolean },
): Promise<ClaimedBatch> {
  const hashes = wanted.map(({ hash }) => hash);
  const places = new Set(await claimTexts(em, payerOf(lane), hashes));
  const claimed = new Set(wanted.filter((_, place) => places.has(place)));
  // Looked up under the claim: its former holder may have stored the vectors meanwhile. At once for all: a second count of
  // progress in this transaction would lock the document after its generation, against the order.
  const missing = await takeKnown(em, lane, wanted);
  const own = missing.filter((text) => claimed.has(text));
  const isNoted = own.length > 0 && (await startEmbeddingUsage(em, callOf(lane, own), { unlessPaused }));
  return { own, elsewhere: missing.filter((text) => !claimed.has(text)), isDue: isNoted || !unlessPaused };
}

/** The call for a batch, as it is noted before it is made. */
export function callOf({ step, model }: EmbeddingLane, batch: readonly TextToEmbed[]): EmbeddingCall {
  const { run, attempt } = step;
  const first = batch[0]!.indexes[0]!;
  return {
    callId: embeddingCallId(run, model.id, first, attempt),
    workspaceId: run.workspaceId,
    documentId: run.documentId,
    modelId: model.id,
    step: first,
    attempt,
    pricing: model.pricing,
  };
}
