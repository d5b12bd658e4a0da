import { defineEntity, p, type InferEntity, type Opt } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** Progress of the documents that were accepted together; `progressPercent` is computed by the database. */
export const IngestionJob = defineEntity({
  name: 'IngestionJob',
  tableName: 'ingestion_jobs',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    knowledgeSourceId: p.uuid().nullable(),
    status: p.enum(['queued', 'processing', 'completed', 'failed', 'partial']).default('queued'),
    totalDocuments: p.integer().default(0),
    processedDocuments: p.integer().default(0),
    failedDocuments: p.integer().default(0),
    progressPercent: p
      .decimal()
      .$type<Opt<string>>()
      .precision(5)
      .scale(2)
      .generated(
        `(CASE WHEN (total_documents = 0) THEN (0)::numeric ELSE round(((((processed_documents + failed_documents))::numeric * 100.0) / (total_documents)::numeric), 2) END) stored`,
      ),
    errors: p.json<Array<{ document: string; error: string; timestamp: string }>>().defaultRaw(`'[]'`),
    /** More documents may come: the job does not end yet. */
    isOpen: p.boolean().default(false),
    /** How many documents could not be fetched, and so have no generation, with the first errors. */
    fetchFailures: p.integer().default(0),
    fetchErrors: p.json<Array<{ document: string; error: string; timestamp: string }>>().defaultRaw(`'[]'`),
    /** Why the source as a whole could not be brought up to date. */
    sourceError: p.json<{ document: string; error: string; timestamp: string }>().nullable(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [{ name: 'ingestion_jobs_workspace_id_id_key', properties: ['workspaceId', 'id'] }],
  indexes: [
    {
      name: 'ingestion_jobs_created_at_idx',
      properties: ['workspaceId', 'createdAt'],
      columns: [{ name: 'workspaceId' }, { name: 'createdAt', sort: 'DESC' }],
    },
  ],
  checks: [
    { name: 'ingestion_jobs_check', expression: '(processed_documents + failed_documents) <= total_documents' },
    { name: 'ingestion_jobs_errors_check', expression: `jsonb_typeof(errors) = 'array'::text` },
    { name: 'ingestion_jobs_fetch_errors_check', expression: `jsonb_typeof(fetch_errors) = 'array'::text` },
    { name: 'ingestion_jobs_fetch_failures_check', expression: 'fetch_failures >= 0' },
    { name: 'ingestion_jobs_failed_documents_check', expression: 'failed_documents >= 0' },
    { name: 'ingestion_jobs_processed_documents_check', expression: 'processed_documents >= 0' },
    { name: 'ingestion_jobs_total_documents_check', expression: 'total_documents >= 0' },
  ],
  policies: workspacePolicies,
});

export type IngestionJob = InferEntity<typeof IngestionJob>;
