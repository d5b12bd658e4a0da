import { z } from 'zod';
import { idField, timeField, timestampFields } from './fields.ts';
import { pageQuerySchema } from './page.ts';

/** States of a job; `partial` means that some documents were ingested and some failed. */
export const ingestionJobStatuses = ['queued', 'processing', 'completed', 'failed', 'partial'] as const;

/** One operation that ingests one or many documents. */
export const ingestionJobSchema = z.strictObject({
  id: idField,
  knowledge_source_id: idField.nullable(),
  status: z.enum(ingestionJobStatuses),
  total_documents: z.int(),
  processed_documents: z.int(),
  failed_documents: z.int(),
  progress_percent: z.number(),
  errors: z.array(z.strictObject({ document: z.string(), error: z.string(), timestamp: z.string() })),
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
  ...timestampFields,
});

export type IngestionJob = z.infer<typeof ingestionJobSchema>;

/** Query of `GET /ingestion-jobs`. */
export const listIngestionJobsQuerySchema = pageQuerySchema.extend({
  status: z.enum(ingestionJobStatuses).optional(),
});

/** One document of a job, as the job's event stream tells of it at each change. */
export const jobDocumentSchema = z.strictObject({
  document_id: idField,
  generation: z.int(),
  path: z.string().nullable(),
  title: z.string(),
  document_type: z.string().nullable(),
  state: z.enum(['staging', 'ready', 'active', 'failed', 'abandoned']),
  stage: z.string(),
  percent: z.int(),
  queue_wait_ms: z.int().nullable(),
  characters: z.int().nullable(),
  chunks: z.int().nullable(),
  warnings: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
  error: z.strictObject({ code: z.string(), detail: z.string(), hint: z.string().nullable() }).nullable(),
});

export type JobDocument = z.infer<typeof jobDocumentSchema>;
