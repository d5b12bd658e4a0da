import { z } from 'zod';
import { idField, jsonObjectField, timeField, timestampFields, userField } from './fields.ts';
import { documentTypes } from './names/document-types.ts';
import { documentWarningCodes } from './names/document-warnings.ts';
import { ingestionJobSchema } from './ingestion-job.ts';
import { pageQuerySchema } from './page.ts';

/** States of a document: accepted → processing → ready, failed or cancelled. */
export const documentStatuses = ['accepted', 'processing', 'ready', 'failed', 'cancelled'] as const;

/** Steps of one ingestion, in order. */
export const ingestionStages = [
  'accepted',
  'extracting',
  'chunking',
  'embedding',
  'verifying',
  'activating',
  'done',
] as const;

/** Why a document or a turn failed, as stored: a code of contracts/errors.ts, and what is wrong and what to do. */
export const storedErrorSchema = z.strictObject({ code: z.string(), detail: z.string() });

/** Why a document failed: the code, what is wrong with this one, and what to do about it. */
export const documentErrorSchema = storedErrorSchema.extend({ hint: z.string().nullable() });

/** What a reader of a document should know about its extraction: a code, and in plain words what is doubtful or missing. */
export const documentWarningSchema = z.strictObject({ code: z.enum(documentWarningCodes), detail: z.string() });

/** The newest generation of a document: the one in work, or the one that was last finished. */
export const documentGenerationSchema = z.strictObject({
  generation: z.int(),
  state: z.enum(['staging', 'ready', 'active', 'failed', 'abandoned']),
  stage: z.enum(ingestionStages),
  percent: z.int().min(0).max(100).describe('How far the ingestion is; 100 once it has ended'),
  mime_type: z.string().describe('What the bytes were found to be'),
  document_type: z.enum(documentTypes).nullable().describe('Likewise; null until it is known'),
  byte_size: z.int(),
  characters: z.int().nullable(),
  expected_chunks: z.int().nullable(),
  embedded_chunks: z.int(),
  warnings: z.array(documentWarningSchema),
  error: documentErrorSchema.nullable(),
  job_id: idField.nullable(),
  workflow_id: z.string().describe('The workflow that has it, in Temporal; small documents of one request share one'),
  queue_wait_ms: z.int().nullable().describe('From its acceptance to its first step; null while it waits'),
  restarts: z.int().describe('How often its workflow was gone and was started again'),
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
});

/** A document and the progress of its newest generation; `active_generation` is the one that search sees. */
export const documentSchema = z.strictObject({
  id: idField,
  title: z.string(),
  document_type: z.enum(documentTypes),
  knowledge_source_id: idField.nullable(),
  path: z.string().nullable(),
  source_url: z.string().nullable(),
  author: z.string().nullable(),
  user: z.string().nullable(),
  is_global: z.boolean(),
  metadata: jsonObjectField,
  status: z.enum(documentStatuses),
  error: documentErrorSchema.nullable(),
  active_generation: z.int().nullable(),
  latest: documentGenerationSchema.nullable(),
  ...timestampFields,
});

export type Document = z.infer<typeof documentSchema>;

const passwordField = z
  .string()
  .min(1)
  .max(1000)
  .optional()
  .describe('Opens an encrypted document; kept, sealed, until it is ingested');

const documentFields = {
  title: z.string().trim().max(500).optional().describe('Taken from the first heading or the path when left out'),
  document_type: z.enum(documentTypes).optional().describe('Taken from the path when left out; else text'),
  path: z
    .string()
    .min(1)
    .max(2000)
    .optional()
    .describe('Identity within its knowledge source: the same path again is a new generation of the same document'),
  source_url: z.url().max(2000).optional(),
  author: z.string().max(500).optional(),
  is_global: z
    .boolean()
    .optional()
    .describe('Visible to all users of the workspace; when left out, true unless a user is named'),
  metadata: jsonObjectField.optional(),
  password: passwordField,
  user: userField.optional().describe('The owner; the header x-perdure-user when left out, else `default`'),
};

const documentBytes = { text: z.string().optional(), content_base64: z.base64().optional() };

function hasOneContent(body: { text?: string | undefined; content_base64?: string | undefined }): boolean {
  return (body.text === undefined) !== (body.content_base64 === undefined);
}

const oneContent = { message: 'give either text or content_base64', path: ['text'] };

const knowledgeSourceField = z.string().min(1).max(200).optional().describe('Name or id; `uploads` when left out');

/**
 * Body of `POST /documents`: a description, and the document's `text`, its bytes as `content_base64`, or the `url` under
 * which they are fetched.
 */
export const createDocumentSchema = z
  .strictObject({
    ...documentFields,
    knowledge_source: knowledgeSourceField,
    ...documentBytes,
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Fetched by the worker; also its path, unless that is given'),
  })
  .refine((body) => (body.url === undefined ? hasOneContent(body) : !body.text && !body.content_base64), {
    message: 'give one of text, content_base64 and url',
    path: ['text'],
  });

export type CreateDocument = z.infer<typeof createDocumentSchema>;

/** Query of a raw upload, `POST /documents?title=…` with the document itself as the body. */
export const uploadDocumentQuerySchema = z
  .strictObject({ ...documentFields, knowledge_source: knowledgeSourceField, is_global: z.stringbool().optional() })
  // An address is logged: a password has no place in it.
  .omit({ metadata: true, password: true });

/** Fields of a form of `POST /documents`; its files are the documents. `path` and `title` are of the files in their order. */
export const uploadFormSchema = z.strictObject({
  knowledge_source: knowledgeSourceField,
  user: documentFields.user,
  is_global: z.stringbool().optional(),
  author: documentFields.author,
  source_url: documentFields.source_url,
  password: passwordField,
  title: documentFields.title.describe('Of a form with one file'),
  document_type: documentFields.document_type,
  path: z
    .array(documentFields.path.unwrap())
    .optional()
    .describe('One for each file, in their order; files without one are new documents each time'),
  metadata: z
    .string()
    .transform((text, context) => {
      try {
        return jsonObjectField.parse(JSON.parse(text));
      } catch {
        context.addIssue({ code: 'custom', message: 'must be a JSON object' });
        return z.NEVER;
      }
    })
    .optional()
    .describe('A JSON object, for all files'),
});

export type UploadForm = z.infer<typeof uploadFormSchema>;

/** Answer of `POST /documents`; `job` is null when the very same content is already there. */
export const documentAcceptedSchema = z.strictObject({
  document: documentSchema,
  job: ingestionJobSchema.nullable(),
  unchanged: z.boolean(),
});

/** Body of `POST /documents/batch`: many documents of one knowledge source in one job. */
export const createDocumentsSchema = z.strictObject({
  knowledge_source: knowledgeSourceField,
  user: documentFields.user,
  documents: z
    .array(z.strictObject({ ...documentFields, ...documentBytes }).refine(hasOneContent, oneContent))
    .min(1)
    .max(500),
});

/** One document of a batch: accepted, unchanged, or refused with its own error. */
export const batchItemSchema = z.strictObject({
  index: z.int().describe('Place in the request'),
  path: z.string().nullable(),
  document_id: idField.nullable(),
  generation: z.int().nullable(),
  unchanged: z.boolean(),
  error: documentErrorSchema.nullable(),
});

/** Answer of `POST /documents/batch`; `job` is null when no document is to be ingested. */
export const documentsAcceptedSchema = z.strictObject({
  job: ingestionJobSchema.nullable(),
  documents: z.array(batchItemSchema),
});

export type DocumentsAccepted = z.infer<typeof documentsAcceptedSchema>;

/** Query of `GET /documents`. */
export const listDocumentsQuerySchema = pageQuerySchema.extend({
  status: z
    .enum(documentStatuses)
    .optional()
    .describe('`failed` also finds what is still served in an earlier version: its newest one failed, as `error` says'),
  knowledge_source: z.string().min(1).max(200).optional().describe('Name or id'),
  path: z.string().min(1).max(2000).optional(),
  user: userField.optional().describe('Only what this user may see: their own documents and global ones'),
});

/** Body of `POST /documents/{id}/retry`, which may be left out. */
export const retryDocumentSchema = z.strictObject({ password: passwordField });

/** Answer of a retry: the job with the documents that are ingested again, or null when none of them had failed. */
export const documentsRetriedSchema = z.strictObject({
  job: ingestionJobSchema.nullable(),
  documents: z.array(z.strictObject({ document_id: idField, generation: z.int() })),
});
