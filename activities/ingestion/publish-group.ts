import { lockEmbeddingModels, readSourceModels } from '../../entities/agents/embedding-model-repository.ts';
import { insertEmbeddingsOf } from '../../entities/documents/chunk-embedding-repository.ts';
import { releaseClaims } from '../../entities/documents/embedding-cache-repository.ts';
import { lockBatchForPublication, publishBatch } from '../../entities/documents/publish-batch.ts';
import type { Publication } from '../../entities/documents/publish-generation.ts';
import { forgetUsageOfEnded, settleEmbeddingUsages } from '../../entities/usage/embedding-usage-repository.ts';
import type { EmbeddingResult } from '../../providers/embedding-model.ts';
import type { BegunMember } from './begin-group.ts';
import { hashedChunks, payerOf } from './embedding-lane.ts';
import type { IngestionDeps } from './ingestion-deps.ts';
import type { TextToEmbed } from './texts-to-embed.ts';

/** A member of a group with the vectors of the texts that it paid for; none if all were known. */
export type EmbeddedMember = {
  member: BegunMember;
  own: readonly TextToEmbed[];
  embedded: { result: EmbeddingResult; callId: string | null } | null;
};

/**
 * Stores the last vectors of several documents of one source, verifies and activates them, in one transaction. In the order
 * of the members; a generation that could not be held any more is `fenced`, and what was paid for it is noted.
 */
export async function publishGroup(
  { database, notifyDocument }: IngestionDeps,
  members: readonly EmbeddedMember[],
): Promise<Publication[]> {
  const [first] = members;
  const { workspaceId, runId } = first!.member.step.run;
  const keys = members.map(({ member }) => member.step.run);
  const publications = await database.inWorkspace(workspaceId, async (em) => {
    await lockEmbeddingModels(em, workspaceId, 'shared');
    const locked = await lockBatchForPublication(em, { workspaceId, runId, keys });
    // Paid is paid: the figures are kept even if the vectors come too late.
    const calls = members.flatMap(({ embedded }) => {
      if (!embedded?.callId) return [];
      return [{ callId: embedded.callId, promptTokens: embedded.result.usage.promptTokens }];
    });
    if (calls.length > 0) await settleEmbeddingUsages(em, calls);
    const held = members.filter(({ member }) => locked.get(member.step.run.documentId)!.isHeld);
    const stored = held.flatMap(vectorsOf);
    if (stored.length > 0) {
      await insertEmbeddingsOf(em, workspaceId, {
        modelId: first!.member.lane.model.id,
        vectorTypeId: first!.member.begun.vectorTypeId,
        indexes: stored.map(({ index }) => index),
        hashes: stored.map(({ hash }) => hash),
        vectors: stored.map(({ vector }) => vector),
        owners: stored.map(({ owner }) => owner),
      });
    }
    const models = await readSourceModels(em, workspaceId, first!.member.read.source ?? null);
    const runs = held.map(({ member }) => member.step.run);
    const published = await publishBatch(
      em,
      runs,
      models.map(({ id }) => id),
      locked,
    );
    const byDocument = new Map(runs.map(({ documentId }, index) => [documentId, published[index]!]));
    const active = runs.filter(({ documentId }) => byDocument.get(documentId)!.state === 'active');
    if (active.length > 0) await forgetUsageOfEnded(em, active);
    for (const { member, own } of held) {
      if (own.length === 0 || byDocument.get(member.step.run.documentId)!.state === 'active') continue;
      await releaseClaims(
        em,
        payerOf(member.lane),
        own.map(({ hash }) => hash),
      );
    }
    return keys.map(({ documentId }): Publication => byDocument.get(documentId) ?? { state: 'fenced' });
  });
  for (const { documentId } of keys) notifyDocument(documentId);
  return publications;
}

function vectorsOf({ member, own, embedded }: EmbeddedMember) {
  const { indexes, hashes } = hashedChunks(member.lane.model.id, own);
  const vectors = own.flatMap((text, place) => text.indexes.map(() => embedded!.result.vectors[place]!));
  return indexes.map((index, place) => ({
    index,
    hash: hashes[place]!,
    vector: vectors[place]!,
    owner: member.step.run,
  }));
}
