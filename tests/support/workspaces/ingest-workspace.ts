import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { acceptDocuments } from '../../../entities/documents/accept-documents.ts';
import type { AcceptedDocuments } from '../../../entities/documents/accept-documents.ts';
import { findDocument } from '../../../entities/documents/document-repository.ts';
import type { DocumentRow } from '../../../entities/documents/document-repository.ts';
import { findIngestionJob } from '../../../entities/documents/ingestion-job-repository.ts';
import type { IngestionJobRow } from '../../../entities/documents/ingestion-job-repository.ts';
import type { DocumentToAccept } from '../../../entities/documents/reserve-generation.ts';
import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';

/** A workspace with a source and an embedding model, and what a test does with documents in it. */
export type IngestWorkspace = Awaited<ReturnType<typeof createIngestWorkspace>>;

/** How the workspace's embedding model is reached: the fake provider's address and a model's name, or the local model. */
export type EmbeddingSettings = {
  provider: 'openai' | 'local';
  endpoint?: string;
  model?: string;
  dimensions?: number;
  maxBatch?: number;
};

/** Makes a workspace of its own for a test. */
export async function createIngestWorkspace(
  database: Database,
  embedding: EmbeddingSettings = { provider: 'local' },
  sizes: { chunkSize: number; chunkOverlap: number } = { chunkSize: 60, chunkOverlap: 10 },
) {
  const ids = { workspaceId: v7(), knowledgeSourceId: v7(), modelId: v7() };
  await database.asOperator(async (em) => {
    await query(em, `insert into workspaces (id, name) values ($1, $2)`, [ids.workspaceId, `test ${ids.workspaceId}`]);
    await query(
      em,
      `insert into knowledge_sources (id, workspace_id, name, type) values ($1, $2, 'uploads', 'upload')`,
      [ids.knowledgeSourceId, ids.workspaceId],
    );
  });
  await registerModel(database, ids.workspaceId, ids.modelId, embedding);
  await database.inWorkspace(ids.workspaceId, (em) =>
    query(
      em,
      `insert into rag_tools (id, workspace_id, name, embedding_model_id, chunk_size, chunk_overlap)
       values ($1, $2, 'documents', $3, $4, $5)`,
      [v7(), ids.workspaceId, ids.modelId, sizes.chunkSize, sizes.chunkOverlap],
    ),
  );
  const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
    database.inWorkspace(ids.workspaceId, work);
  const self = {
    ...ids,
    accept: (...documents: Partial<DocumentToAccept>[]): Promise<AcceptedDocuments> =>
      inWorkspace((em) =>
        acceptDocuments(em, {
          workspaceId: ids.workspaceId,
          jobId: v7(),
          knowledgeSourceId: ids.knowledgeSourceId,
          documents: documents.map(documentToAccept),
        }),
      ),
    async document(documentId: string): Promise<DocumentRow> {
      const document = await inWorkspace((em) => findDocument(em, documentId));
      if (!document) throw new Error(`There is no document ${documentId}`);
      return document;
    },
    async job(jobId: string | null): Promise<IngestionJobRow> {
      const job = await inWorkspace((em) => findIngestionJob(em, jobId ?? ''));
      if (!job) throw new Error(`There is no job ${jobId}`);
      return job;
    },
    addModel: (embeddingSettings: EmbeddingSettings, modelId = v7()) =>
      registerModel(database, ids.workspaceId, modelId, embeddingSettings),
    /** Rows of each table that belong to the document, whatever their generation. */
    async stored(documentId: string): Promise<{ chunks: number; embeddings: number; blobs: number; contents: number }> {
      const [row] = await inWorkspace((em) =>
        query<{ chunks: number; embeddings: number; blobs: number; contents: number }>(
          em,
          `select (select count(*)::int from document_chunks where document_id = $1) as chunks,
                  (select count(*)::int from chunk_embeddings where document_id = $1) as embeddings,
                  (select count(*)::int from blobs where document_id = $1) as blobs,
                  (select count(content)::int from document_generations where document_id = $1) as contents`,
          [documentId],
        ),
      );
      return row!;
    },
    generations: (documentId: string) =>
      inWorkspace((em) =>
        query<{
          generation: number;
          state: string;
          stage: string;
          error: { code: string } | null;
          run_id: string | null;
        }>(
          em,
          `select generation, state, stage, error, run_id from document_generations where document_id = $1
           order by generation`,
          [documentId],
        ),
      ),
    query: <Row>(text: string, parameters: readonly unknown[]) => inWorkspace((em) => query<Row>(em, text, parameters)),
  };
  return self;
}

/** A Markdown document unless said otherwise; its hash is that of its bytes. */
export function documentToAccept(document: Partial<DocumentToAccept>): DocumentToAccept {
  const bytes = document.bytes ?? Buffer.from(markdownText(3));
  return {
    documentId: v7(),
    title: 'A document',
    documentType: 'markdown',
    mimeType: 'text/markdown',
    sourcePath: null,
    sourceUrl: null,
    author: null,
    userId: null,
    isGlobal: true,
    metadata: {},
    contentHash: createHash('sha256').update(bytes).digest(),
    ...document,
    bytes,
  };
}

/** A Markdown text of so many sections, each of a few chunks; `mark` makes it unlike others. */
export function markdownText(sections: number, mark = 'plain'): string {
  return Array.from(
    { length: sections },
    (_, section) =>
      `# Section ${section} ${mark}\n\n${Array.from(
        { length: 12 },
        (__, sentence) => `Sentence ${sentence} of section ${section} says something ${mark} about durable work.`,
      ).join(' ')}\n`,
  ).join('\n');
}

async function registerModel(
  database: Database,
  workspaceId: string,
  modelId: string,
  settings: EmbeddingSettings,
): Promise<string> {
  await database.inWorkspace(workspaceId, async (em) => {
    await query(
      em,
      `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, capabilities, dimensions, pricing)
       values ($1, $2, $3, 'embedding', $4, $5, $6, $7, $8, $9)`,
      [
        modelId,
        workspaceId,
        `embedding ${modelId}`,
        settings.provider,
        settings.model ?? (settings.provider === 'local' ? 'all-MiniLM-L6-v2' : 'fake'),
        settings.endpoint ?? null,
        JSON.stringify({
          dimensions: settings.dimensions ?? 384,
          maxTokens: 512,
          ...(settings.maxBatch === undefined ? {} : { maxBatch: settings.maxBatch }),
        }),
        settings.dimensions ?? 384,
        JSON.stringify({ input_per_million: '0.1', currency: 'USD' }),
      ],
    );
    await query(em, `select register_embedding_model($1)`, [modelId]);
  });
  return modelId;
}
