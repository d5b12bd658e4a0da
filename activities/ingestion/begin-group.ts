import type { EntityManager } from '@mikro-orm/postgresql';
import { copyKnownEmbeddingsOf } from '../../entities/documents/chunk-embedding-repository.ts';
import { insertChunksOf } from '../../entities/documents/document-chunk-repository.ts';
import { claimTextsOf } from '../../entities/documents/embedding-cache-repository.ts';
import { holdGenerations, storeContents } from '../../entities/documents/generation-batch-repository.ts';
import { insertChunkTermsOf } from '../../entities/search/chunk-terms-repository.ts';
import { beginEmbeddingAttempts, startEmbeddingUsages } from '../../entities/usage/embedding-usage-repository.ts';
import { callOf, type BegunLane, type ClaimedBatch } from './begin-embedding.ts';
import { embeddingBatches } from './embedding-batches.ts';
import { isFree, isLimited, type EmbeddingLane } from './embedding-lane.ts';
import { isSmall, smallLanes, smallTexts } from './finish-small.ts';
import { inTurns } from './in-turns.ts';
import { indexChunks } from './index-chunks.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import type { ReadDocument } from './read-document.ts';
import type { Step } from './run-step.ts';
import type { TextToEmbed } from './texts-to-embed.ts';

/** A small document of a batch that was read, and the texts of the one call that it needs. */
export type GroupMember = { step: Step; read: ReadDocument; texts: readonly TextToEmbed[] };

/** A member whose chunks are stored, and what its lane has to do. */
export type BegunMember = GroupMember & { lane: EmbeddingLane; begun: BegunLane & { claimed: ClaimedBatch } };

/** The document as a member of a group; null if it needs more than one call, or one that may have to wait for its turn. */
export function groupMember(deps: IngestionDeps, step: Step, read: ReadDocument): GroupMember | null {
  const [model, ...others] = read.models;
  if (!model || others.length > 0 || !isSmall(read) || isLimited({ model })) return null;
  const embedder = deps.embeddingModel(model);
  const texts = smallTexts(read, embedder);
  return [...embeddingBatches(texts, embedder.maxBatch)].length === 1 ? { step, read, texts } : null;
}

/**
 * Stores the chunks of several documents of one source, claims their texts and notes the calls for them, in one transaction.
 * Documents that are not held any more are missing in the result.
 */
export async function beginGroup(deps: IngestionDeps, members: readonly GroupMember[]): Promise<BegunMember[]> {
  const { workspaceId, runId } = members[0]!.step.run;
  const terms = new Map<GroupMember, Awaited<ReturnType<typeof termsOf>>>();
  for (const member of members) terms.set(member, await termsOf(member));
  return deps.database.inWorkspace(workspaceId, async (em) => {
    const keys = members.map(({ step }) => step.run);
    const held = await holdGenerations(em, { workspaceId, runId, keys });
    const kept = members.filter(({ step }) => held.has(step.run.documentId));
    if (kept.length === 0) return [];
    await insertChunksOf(
      em,
      workspaceId,
      kept.flatMap((member) => owned(member, member.read.document.chunks)),
    );
    await insertChunkTermsOf(
      em,
      workspaceId,
      kept.flatMap((member) => owned(member, terms.get(member)!)),
    );
    const begun = await claimTexts(em, await makeLanes(deps, em, kept));
    await storeContents(
      em,
      kept.map(({ step, read: { document } }) => ({
        ...step.run,
        ...document.kept,
        expectedChunks: document.chunks.length,
      })),
    );
    return begun;
  });
}

function termsOf({ step, read }: GroupMember) {
  const { title, kept, chunks } = read.document;
  return inTurns(
    indexChunks({ title, language: kept.language, workspaceId: step.run.workspaceId }, chunks),
    step.signal,
  );
}

function owned<Row>({ step }: GroupMember, rows: readonly Row[]) {
  const { documentId, generation } = step.run;
  return rows.map((row) => ({ ...row, documentId, generation }));
}

type LanedMember = GroupMember & { lane: EmbeddingLane };

async function makeLanes(
  deps: IngestionDeps,
  em: EntityManager,
  members: readonly GroupMember[],
): Promise<LanedMember[]> {
  const paying = members.filter(({ read }) => !isFree({ model: read.models[0]! }));
  const attempts = await beginEmbeddingAttempts(
    em,
    paying.map(({ step, read }) => ({ documentId: step.run.documentId, chunks: read.document.chunks.length })),
  );
  return members.map((member) => {
    const attempt = attempts.get(member.step.run.documentId) ?? member.step.attempt;
    const [lane] = smallLanes(deps, { ...member.step, attempt }, member.read);
    return { ...member, lane: lane! };
  });
}

/** Takes over vectors that are known, and says for each member who pays for the other texts; notes the calls, unless they are free. */
async function claimTexts(em: EntityManager, members: readonly LanedMember[]): Promise<BegunMember[]> {
  const { workspaceId } = members[0]!.step.run;
  const modelId = members[0]!.lane.model.id;
  const wanted = members.flatMap((member) => member.texts.map((text) => ({ text, owner: member.step.run })));
  const hashes = wanted.map(({ text }) => text.hash);
  const owners = wanted.map(({ owner }) => owner);
  const isPaid = !isFree(members[0]!.lane);
  const places = isPaid ? await claimTextsOf(em, { workspaceId, modelId, firstChunk: 0 }, { hashes, owners }) : [];
  const claimed = new Set(places.map((place) => wanted[place]!.text));
  // Looked up under the claims: a former holder may have stored the vectors meanwhile.
  const chunks = wanted.flatMap(({ text, owner }) => text.indexes.map((index) => ({ index, hash: text.hash, owner })));
  const known = await copyKnownEmbeddingsOf(em, workspaceId, {
    modelId,
    indexes: chunks.map(({ index }) => index),
    hashes: chunks.map(({ hash }) => hash),
    owners: chunks.map(({ owner }) => owner),
  });
  const found = new Set(known.map(({ documentId, index }) => `${documentId}/${index}`));
  const begun = members.map((member) => {
    const isMissing = ({ indexes }: TextToEmbed) => !found.has(`${member.step.run.documentId}/${indexes[0]}`);
    const missing = member.texts.filter(isMissing);
    const isOwn = (text: TextToEmbed) => !isPaid || claimed.has(text);
    return { member, own: missing.filter(isOwn), elsewhere: missing.filter((text) => !isOwn(text)) };
  });
  const paying = begun.filter(({ own }) => isPaid && own.length > 0);
  const noted = await startEmbeddingUsages(
    em,
    paying.map(({ member, own }) => callOf(member.lane, own)),
  );
  return begun.map(({ member, own, elsewhere }) => ({
    ...member,
    begun: {
      chunks: member.read.document.chunks.length,
      vectorTypeId: member.read.generation.vector_type_id,
      texts: [],
      claimed: { own, elsewhere, isDue: own.length > 0 && (!isPaid || noted.has(callOf(member.lane, own).callId)) },
    },
  }));
}
