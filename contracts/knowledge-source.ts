import { z } from 'zod';
import { idField, jsonObjectField, nameField, timeField, timestampFields } from './fields.ts';
import { ingestionJobSchema } from './ingestion-job.ts';
import { sourceConfigurationSchemas } from './source-configuration.ts';

const knowledgeSourceTypes = ['upload', 'file', 'web', 'api', 'database', 'vector_store'] as const;

/** Why a sync ended otherwise than well, or brought less than the source holds. */
const syncErrorSchema = z.strictObject({ code: z.string(), detail: z.string() });

/** One run that brought a source up to date, or is about to. */
export const sourceSyncSchema = z.strictObject({
  id: idField,
  job_id: idField.nullable(),
  trigger: z.enum(['request', 'schedule']),
  state: z.enum(['accepted', 'running', 'completed', 'failed', 'cancelled']),
  listed: z.int().describe('Items that the source holds, as far as it was listed'),
  unchanged: z.int(),
  accepted: z.int().describe('New or changed, and handed over to be ingested'),
  failed: z.int().describe('Could not be fetched; ingestions that failed are counted in `documents`'),
  removed: z.int().describe('Documents deleted because the source holds them no more'),
  error: syncErrorSchema.nullable().describe('While it runs: what it waits for just now'),
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
  created_at: timeField,
});

export type SourceSync = z.infer<typeof sourceSyncSchema>;

const languageField = z
  .string()
  .regex(/^[a-z]{2,3}$/, 'Give an ISO 639-1 code such as en, de or zh.')
  .nullable()
  .describe(
    'ISO 639-1 code of what its documents are written in, for full text search; null detects it for each document',
  );

/** Where documents come from; `has_connection_string` says that a sealed one is stored, which never leaves. */
export const knowledgeSourceSchema = z.strictObject({
  id: idField,
  name: z.string(),
  type: z.enum(knowledgeSourceTypes),
  has_connection_string: z.boolean(),
  language: languageField,
  configuration: jsonObjectField,
  status: z
    .enum(['ready', 'syncing', 'degraded', 'failed', 'paused'])
    .describe('Follows from its documents and its last sync: degraded as long as any of them failed'),
  documents: z.strictObject({ total: z.int(), ready: z.int(), in_work: z.int(), failed: z.int() }),
  sync: sourceSyncSchema.nullable().describe('The newest sync'),
  last_sync: timeField.nullable().describe('When it was last brought up to date completely'),
  ...timestampFields,
});

export type KnowledgeSource = z.infer<typeof knowledgeSourceSchema>;

const connectionString = z.string().min(1).max(10_000).nullable();

function createSchemaOf<Type extends keyof typeof sourceConfigurationSchemas>(type: Type) {
  const configuration = sourceConfigurationSchemas[type];
  return z.strictObject({
    name: nameField,
    type: z.literal(type),
    connection_string: connectionString.default(null).describe('Sealed at once, never shown again'),
    language: languageField.default(null),
    configuration,
  });
}

/** Body of `POST /knowledge-sources`; what `configuration` may hold depends on the type. */
export const createKnowledgeSourceSchema = z.discriminatedUnion('type', [
  createSchemaOf('upload').extend({ configuration: jsonObjectField.default({}) }),
  createSchemaOf('file'),
  createSchemaOf('web'),
  createSchemaOf('api'),
  createSchemaOf('database'),
  createSchemaOf('vector_store'),
]);

/** Body of `PATCH /knowledge-sources/{id}`; a configuration replaces the former one. */
export const updateKnowledgeSourceSchema = z
  .strictObject({
    name: nameField,
    language: languageField,
    connection_string: connectionString,
    configuration: jsonObjectField.describe('As its type wants it'),
    paused: z.boolean().describe('A paused source is not synchronised, neither by schedule nor on demand'),
  })
  .partial();

/** Body of `POST /knowledge-sources/{id}/sync`. */
export const requestSyncSchema = z.strictObject({
  allow_removals: z
    .boolean()
    .default(false)
    .describe('Delete what the source holds no more, also when that is most of it'),
});

/** Answer to it; `started` is false when a sync was under way already. */
export const syncRequestedSchema = z.strictObject({
  started: z.boolean(),
  sync: sourceSyncSchema,
  job: ingestionJobSchema.nullable(),
});

/** Answer of `POST /knowledge-sources/{id}/check`. */
export const sourceCheckSchema = z.strictObject({
  ok: z.boolean(),
  code: z.string().nullable().describe('A code of the error table when it cannot be read'),
  detail: z.string(),
});
