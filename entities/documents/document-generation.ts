import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { documentTypes } from '../../contracts/names/document-types.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One ingest of a document: its text, parameters, stage and outcome. */
export const DocumentGeneration = defineEntity({
  name: 'DocumentGeneration',
  tableName: 'document_generations',
  properties: {
    documentId: p.uuid().primary(),
    generation: p.integer().primary(),
    workspaceId: p.uuid(),
    jobId: p.uuid().nullable(),
    state: p.enum(['staging', 'ready', 'active', 'failed', 'abandoned']).default('staging'),
    stage: p
      .enum(['accepted', 'extracting', 'chunking', 'embedding', 'verifying', 'activating', 'done'])
      .default('accepted'),
    workflowId: p.text(),
    runId: p.text().nullable(),
    title: p.text().nullable(),
    foundTitle: p.text().nullable(),
    mimeType: p.text(),
    documentType: p.enum([...documentTypes]).nullable(),
    declaredType: p.text().nullable(),
    byteSize: p.bigint('number'),
    contentHash: p.blob(),
    content: p.text().nullable(),
    language: p.text().nullable(),
    chunkSize: p.integer(),
    chunkOverlap: p.integer(),
    expectedChunks: p.integer().nullable(),
    embeddedChunks: p.integer().default(0),
    queueWaitMs: p.integer().nullable(),
    restarts: p.integer().default(0),
    pages: p.json<unknown[]>().defaultRaw(`'[]'`),
    passwordSealed: p.text().nullable(),
    warnings: p.json<unknown[]>().defaultRaw(`'[]'`),
    error: p.json<{ code: string; message: string; hint: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'document_generations_active_key', properties: ['documentId'], where: "state = 'active'::text" },
    {
      name: 'document_generations_workspace_id_document_id_generation_key',
      properties: ['workspaceId', 'documentId', 'generation'],
    },
  ],
  indexes: [
    { name: 'document_generations_job_id_idx', properties: ['workspaceId', 'jobId', 'updatedAt'] },
    {
      name: 'document_generations_unindexed_idx',
      properties: ['updatedAt'],
      where: `((state = 'active'::text) AND (language IS NULL))`,
    },
    {
      name: 'document_generations_unfinished_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['staging'::text, 'ready'::text])",
    },
  ],
  checks: [
    { name: 'document_generations_byte_size_check', expression: 'byte_size >= 0' },
    { name: 'document_generations_embedded_chunks_check', expression: 'embedded_chunks >= 0' },
    { name: 'document_generations_expected_chunks_check', expression: 'expected_chunks >= 0' },
    { name: 'document_generations_generation_check', expression: 'generation > 0' },
    { name: 'document_generations_language_check', expression: `language ~ '^[a-z]{2,3}$'::text` },
    { name: 'document_generations_pages_check', expression: `jsonb_typeof(pages) = 'array'::text` },
    { name: 'document_generations_password_sealed_check', expression: `password_sealed ~~ 'sealed:%'::text` },
    { name: 'document_generations_queue_wait_ms_check', expression: 'queue_wait_ms >= 0' },
    { name: 'document_generations_restarts_check', expression: 'restarts >= 0' },
    { name: 'document_generations_warnings_check', expression: `jsonb_typeof(warnings) = 'array'::text` },
  ],
  policies: workspacePolicies,
});

export type DocumentGeneration = InferEntity<typeof DocumentGeneration>;
