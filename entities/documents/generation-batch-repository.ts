import type { EntityManager } from '@mikro-orm/postgresql';
import type { ExtractedContent } from './document-generation-repository.ts';
import { query } from '../sql.ts';

/** Generations of one workspace, and the run that works on all of them. */
export type BatchRun = {
  workspaceId: string;
  runId: string;
  keys: readonly { documentId: string; generation: number }[];
};

/** Holds them for this transaction's writes as `holdGeneration` does; returns the documents whose generation is held. */
export async function holdGenerations(em: EntityManager, { workspaceId, runId, keys }: BatchRun): Promise<Set<string>> {
  const rows = await query<{ documentId: string }>(
    em,
    `select g.document_id as "documentId"
     from unnest($2::uuid[], $3::integer[]) as k (document_id, generation)
     join document_generations g on g.document_id = k.document_id and g.generation = k.generation
     where g.workspace_id = $1 and g.state = 'staging' and g.run_id = $4
     order by g.document_id for key share of g`,
    [workspaceId, keys.map(({ documentId }) => documentId), keys.map(({ generation }) => generation), runId],
  );
  return new Set(rows.map((row) => row.documentId));
}

/** What one generation keeps of its parsed document, and how many chunks it has. */
export type ContentToStore = ExtractedContent & { documentId: string; generation: number; expectedChunks: number };

/** Stores the extracted texts of generations whose chunks are stored in the same transaction; the caller holds them. */
export async function storeContents(em: EntityManager, contents: readonly ContentToStore[]): Promise<void> {
  await query(
    em,
    `update document_generations g
     set content = c.content, warnings = c.warnings, expected_chunks = c.expected_chunks, mime_type = c.mime_type,
         document_type = c.document_type, pages = c.pages, language = c.language,
         found_title = c.found_title, updated_at = now(), stage = 'embedding'
     from unnest($1::uuid[], $2::integer[], $3::text[], $4::jsonb[], $5::integer[], $6::text[], $7::text[], $8::jsonb[],
                 $9::text[], $10::text[])
          as c (document_id, generation, content, warnings, expected_chunks, mime_type, document_type, pages, language,
                found_title)
     where g.document_id = c.document_id and g.generation = c.generation`,
    [
      contents.map((content) => content.documentId),
      contents.map((content) => content.generation),
      contents.map((content) => content.content),
      contents.map((content) => JSON.stringify(content.warnings)),
      contents.map((content) => content.expectedChunks),
      contents.map((content) => content.mimeType),
      contents.map((content) => content.documentType),
      contents.map((content) => JSON.stringify(content.pages)),
      contents.map((content) => content.language),
      contents.map((content) => content.foundTitle),
    ],
  );
}
