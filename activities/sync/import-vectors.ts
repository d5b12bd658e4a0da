import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import { workflowIds } from '../../contracts/names/workflows.ts';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { readSourceModels } from '../../entities/agents/embedding-model-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { insertEmbeddingsOf } from '../../entities/documents/chunk-embedding-repository.ts';
import { insertChunksOf } from '../../entities/documents/document-chunk-repository.ts';
import { storeContents } from '../../entities/documents/generation-batch-repository.ts';
import { lockBatchForPublication, publishBatch } from '../../entities/documents/publish-batch.ts';
import { takeOverBatch } from '../../entities/documents/take-over-batch.ts';
import type { AcceptedDocument } from './accepted-document.ts';

/** A document that was accepted in this transaction, with the vector that its source holds of its text. */
export type DocumentWithVector = AcceptedDocument & { text: string; vector: Float32Array };

/** A document that is served with its vector; `superseded` if it had other generations before. */
export type ImportedDocument = AcceptedDocument & { superseded: boolean };

/**
 * Publishes documents as one chunk each with the vectors that their source holds, so that no model is called. A vector
 * that is not of the only model that embeds the source here is left: its document is to be ingested like any other. The
 * caller has taken the shared lock of the workspace's embedding models before any row.
 */
export async function importVectors(
  em: EntityManager,
  input: SyncSourceInput,
  documents: readonly DocumentWithVector[],
  modelName: string,
): Promise<ImportedDocument[]> {
  if (documents.length === 0) return [];
  const { workspaceId } = input;
  const models = await readSourceModels(em, workspaceId, input.knowledgeSourceId);
  const [model] = models;
  if (!model || models.length > 1 || model.id !== (await findNamedId(em, 'models', modelName))) return [];
  const usable = documents.filter(({ text, vector }) => text.trim() !== '' && vector.length === model.dimensions);
  const run = { workspaceId, runId: `import/${input.syncId}` };
  const owner = { runStartedAt: new Date(), workflowId: workflowIds.syncSource(input.knowledgeSourceId) };
  const taken = await takeOverBatch(em, { ...run, ...owner, keys: usable, isNew: true }, () => true);
  if (taken.length === 0) return [];
  const byId = new Map(taken.map((generation) => [generation.documentId, generation]));
  const held = usable.filter(({ documentId }) => byId.has(documentId));
  await storeContents(
    em,
    held.map(({ documentId, generation, text }) => ({
      documentId,
      generation,
      content: text,
      mimeType: 'text/plain',
      documentType: 'text',
      foundTitle: null,
      // The upkeep of full text finds the language and the terms.
      language: null,
      pages: [],
      warnings: [],
      expectedChunks: 1,
    })),
  );
  const chunk = { index: 0, start: 0, metadata: {} };
  await insertChunksOf(
    em,
    workspaceId,
    held.map(({ documentId, generation, text }) => {
      // About four characters are a token; what the source embedded is not cut again.
      const tokens = Math.ceil(text.length / 4);
      return { ...chunk, documentId, generation, content: text, end: text.length, tokens };
    }),
  );
  await insertEmbeddingsOf(em, workspaceId, {
    modelId: model.id,
    vectorTypeId: taken[0]!.vector_type_id,
    indexes: held.map(() => 0),
    // What exactly was embedded is the source's secret, so that this vector is found for no other text.
    hashes: held.map(({ documentId, text }) => createHash('sha256').update(`imported ${documentId} ${text}`).digest()),
    vectors: held.map(({ vector }) => vector),
    owners: held,
  });
  const locked = await lockBatchForPublication(em, { ...run, keys: held });
  const runs = held.map(({ documentId, generation }) => ({ ...run, documentId, generation }));
  const published = await publishBatch(em, runs, [model.id], locked);
  return held.flatMap(({ documentId, generation }, place) => {
    const publication = published[place]!;
    return publication.state === 'active' ? [{ documentId, generation, superseded: publication.superseded }] : [];
  });
}
