import { createHash } from 'node:crypto';
import { insertEmbeddings, readChunksToEmbed } from '../../../entities/documents/chunk-embedding-repository.ts';
import { insertChunks } from '../../../entities/documents/document-chunk-repository.ts';
import {
  addEmbeddedChunks,
  holdGeneration,
  storeContent,
  takeOverGeneration,
} from '../../../entities/documents/document-generation-repository.ts';
import type { GenerationRun } from '../../../entities/documents/document-generation-repository.ts';
import { publishGeneration } from '../../../entities/documents/publish-generation.ts';
import type { Publication } from '../../../entities/documents/publish-generation.ts';
import type { Database } from '../../../platform/database.ts';
import type { IngestWorkspace } from './ingest-workspace.ts';

/** A run of one generation, as the workflow's steps name it. */
export type WriterRun = GenerationRun & { runStartedAt: Date };

/** How a cancelled and a failed ingestion end. */
export const cancelledEnd = { status: 'cancelled' as const, error: { code: 'cancelled', detail: 'On request.' } };
export const failedEnd = { status: 'failed' as const, error: { code: 'document_empty', detail: 'No text.' } };

/** The vector that the writer stores for the chunk `seed`. */
export function writtenVector(seed: number): Float32Array {
  return Float32Array.from({ length: 384 }, (_, index) => Math.sin(seed * 384 + index + 1));
}

/** The chunk that the writer stores at `index`. */
export const writtenChunk = (index: number) => ({
  index,
  content: `chunk ${index} `,
  start: index * 8,
  end: index * 8 + 8,
  tokens: 2,
  metadata: { headings: ['A "quoted" heading', 'Ü'] },
});

/** Writes generations step by step, without workflows, so that a test can put anything between two steps. */
export function createGenerationWriter(database: Database, workspace: IngestWorkspace) {
  const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
    database.inWorkspace(workspace.workspaceId, work);

  async function accepted(sourcePath: string | null = null, content = 'text'): Promise<WriterRun> {
    const { documents } = await workspace.accept({ bytes: Buffer.from(content), sourcePath });
    const { documentId, generation } = documents[0]!;
    return { workspaceId: workspace.workspaceId, documentId, generation, runId: 'run 1', runStartedAt: new Date(1000) };
  }

  /** Writes all rows that publishing needs. */
  async function complete(run: WriterRun, chunks = 3): Promise<void> {
    await inWorkspace((em) => takeOverGeneration(em, run));
    await inWorkspace(async (em) => {
      if (!(await holdGeneration(em, run))) throw new Error('fenced');
      await insertChunks(
        em,
        run,
        Array.from({ length: chunks }, (_, index) => writtenChunk(index)),
      );
      const content = 'chunk 0 chunk 1 chunk 2 ';
      await storeContent(em, run, {
        content,
        mimeType: 'text/plain',
        documentType: 'text',
        foundTitle: null,
        language: 'en',
        pages: [],
        warnings: [],
        expectedChunks: chunks,
      });
    });
    await embed(run, 0, chunks);
  }

  async function embed(run: WriterRun, from: number, to: number): Promise<number> {
    return inWorkspace(async (em) => {
      const missing = await readChunksToEmbed(em, run, workspace.modelId, { from, to });
      if (!(await holdGeneration(em, run))) return -1;
      if (missing.length === 0) return 0;
      const stored = await insertEmbeddings(em, run, {
        modelId: workspace.modelId,
        vectorTypeId: missing[0]!.vectorTypeId,
        indexes: missing.map((row) => row.index),
        hashes: missing.map((row) => createHash('sha256').update(row.content).digest()),
        vectors: missing.map((row) => writtenVector(row.index)),
      });
      await addEmbeddedChunks(em, run, stored);
      return stored;
    });
  }

  const publish = (run: WriterRun): Promise<Publication> =>
    inWorkspace((em) => publishGeneration(em, run, [workspace.modelId]));

  return { inWorkspace, accepted, complete, embed, publish };
}
