import { z } from 'zod';
import { evaluationCaseSchema, givenCaseSchema, mostCases } from './evaluation-case.ts';
import { idField, jsonObjectField, nameField, timeField, timestampFields } from './fields.ts';
import { pageQuerySchema } from './page.ts';

/** A data set; its cases are read by version. */
export const evaluationDatasetSchema = z.strictObject({
  id: idField,
  name: z.string(),
  description: z.string(),
  version: z.int().describe('The newest; 0 before the first'),
  case_count: z.int(),
  content_hash: z.string().nullable().describe('SHA-256 over the cases of the newest version, in their order'),
  ...timestampFields,
});

export type EvaluationDataset = z.infer<typeof evaluationDatasetSchema>;

/** Body of `POST /evaluation-datasets`. */
export const createEvaluationDatasetSchema = z.strictObject({
  name: nameField,
  description: z.string().max(10_000).default(''),
  cases: z.array(givenCaseSchema).max(mostCases).default([]),
});

/** Body of `PATCH /evaluation-datasets/{id}`. */
export const updateEvaluationDatasetSchema = z
  .strictObject({ name: nameField, description: z.string().max(10_000) })
  .partial();

/** One version of a data set. */
export const evaluationDatasetVersionSchema = z.strictObject({
  version: z.int(),
  case_count: z.int(),
  content_hash: z.string(),
  origin: jsonObjectField,
  created_at: timeField,
});

/** How to take cases over: in the place of all that there are, or beside them. */
const importModes = z.enum(['replace', 'append']);

/** Body of `POST /evaluation-datasets/{id}/import` as JSON. */
export const importCasesSchema = z.strictObject({
  mode: importModes.default('replace').describe('`append`: a case whose key there is takes its place'),
  cases: z.array(givenCaseSchema).min(1).max(mostCases),
});

/** Query of an upload of a file with cases, and fields of the form. */
export const importFileSchema = z.strictObject({
  mode: importModes.default('replace'),
  name: z.string().max(300).optional().describe('Name of the file; its ending tells CSV, JSONL and XLSX apart'),
});

/** What an import has changed. An import that changes nothing makes no version. */
export const casesImportedSchema = z.strictObject({
  dataset: evaluationDatasetSchema,
  version: z.int(),
  added: z.int(),
  changed: z.int(),
  removed: z.int(),
  unchanged: z.int(),
});

/** Query of `GET /evaluation-datasets/{id}/cases`. */
export const listCasesQuerySchema = pageQuerySchema.extend({
  version: z.coerce.number().int().min(1).optional().describe('The newest unless given'),
  state: z.enum(['accepted', 'proposed']).default('accepted'),
});

/** Query of `GET /evaluation-datasets/{id}/diff`. */
export const diffVersionsQuerySchema = z.strictObject({
  from: z.coerce.number().int().min(0).optional().describe('The one before `to` unless given'),
  to: z.coerce.number().int().min(0).optional().describe('The newest unless given'),
});

/** What differs between two versions, by the cases' keys. */
export const versionDiffSchema = z.strictObject({
  from: z.int(),
  to: z.int(),
  added: z.array(evaluationCaseSchema),
  removed: z.array(evaluationCaseSchema),
  changed: z.array(z.strictObject({ before: evaluationCaseSchema, after: evaluationCaseSchema })),
});

/** Body of `POST /evaluation-datasets/{id}/from-feedback`. */
export const casesFromFeedbackSchema = z.strictObject({
  rating: z
    .union([z.literal(1), z.literal(-1)])
    .optional()
    .describe('Only answers that somebody rated so'),
  agent: z.string().min(1).max(200).optional().describe('Name or id; only answers of this agent'),
  from: timeField.optional().describe('Only feedback given since'),
  limit: z.int().min(1).max(1000).default(100),
});

/** What was made of feedback. */
export const casesMadeSchema = z.strictObject({
  proposed: z.int().describe('Cases that wait for a person'),
  accepted: z.int().describe('Cases that are in the new version'),
  dataset: evaluationDatasetSchema,
});

/** Body of `POST /evaluation-datasets/{id}/accept`. */
export const acceptCasesSchema = z.strictObject({
  accept: z.array(idField).max(1000).default([]),
  reject: z.array(idField).max(1000).default([]),
});
