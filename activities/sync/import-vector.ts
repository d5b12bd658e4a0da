import { createHash } from 'node:crypto';
import type { SyncSourceInput } from '../../contracts/names/workflows.ts';
import { lockEmbeddingModels, readEmbeddingModels } from '../../entities/agents/embedding-model-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { insertEmbeddings } from '../../entities/documents/chunk-embedding-repository.ts';
import { deleteSupersededChunks, insertChunks } from '../../entities/documents/document-chunk-repository.ts';
import { storeContent, takeOverGeneration } from '../../entities/documents/document-generation-repository.ts';
import { publishGeneration } from '../../entities/documents/publish-generation.ts';
import { query } from '../../entities/sql.ts';
import type { AcceptedDocument } from './accepted-document.ts';
import type { SyncDeps } from './sync-deps.ts';

const supersededAtOnce = 1000;

/**
 * Publishes an accepted document as one chunk with the vector that its source holds, so that no model is called. False, and
 * nothing done, unless the vector is of the only model that embeds the document here: then it is to be ingested like any
 * other.
 */
export async function importVector(
  deps: SyncDeps,
  input: SyncSourceInput,
  document: AcceptedDocument,
  content: { text: string; vector: Float32Array; model: string },
): Promise<boolean> {
  const { text, vector } = content;
  const key = { workspaceId: input.workspaceId, ...document };
  const run = { ...key, runId: `import/${input.syncId}` };
  if (text.trim() === '') return false;
  const published = await deps.database.inWorkspace(input.workspaceId, async (em) => {
    await lockEmbeddingModels(em, input.workspaceId, 'shared');
    const models = await readEmbeddingModels(em, input.workspaceId, document.documentId);
    const [model] = models;
    const named = await findNamedId(em, 'models', content.model);
    if (!model || models.length > 1 || model.id !== named || model.dimensions !== vector.length) return false;
    const taken = await takeOverGeneration(em, { ...run, runStartedAt: new Date() });
    if (taken.state !== 'staging') return false;
    await storeContent(em, key, {
      content: text,
      mimeType: 'text/plain',
      documentType: 'text',
      // The upkeep of full text finds the language and the terms.
      language: null,
      pages: [],
      warnings: [],
      expectedChunks: 1,
    });
    // About four characters are a token; what the source embedded is not cut again.
    const tokens = Math.ceil(text.length / 4);
    await insertChunks(em, key, [{ index: 0, content: text, start: 0, end: text.length, tokens, metadata: {} }]);
    const [type] = await query<{ id: number }>(em, `select 'vector'::regtype::oid::integer as id`);
    await insertEmbeddings(em, key, {
      modelId: model.id,
      indexes: [0],
      // What exactly was embedded is the source's secret, so that this vector is found for no other text.
      hashes: [createHash('sha256').update(`imported ${document.documentId} ${text}`).digest()],
      vectorTypeId: type!.id,
      vectors: [vector],
    });
    return (await publishGeneration(em, run, [model.id])).state === 'active';
  });
  if (!published) return false;
  deps.notifyDocument(document.documentId);
  for (let dropped = supersededAtOnce; dropped === supersededAtOnce;)
    dropped = await deps.database.inWorkspace(input.workspaceId, (em) =>
      deleteSupersededChunks(em, key, supersededAtOnce),
    );
  return true;
}
