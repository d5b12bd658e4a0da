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

/** Body of `POST /evaluation-datasets/{id}/propose`. */
export const proposeCasesSchema = z.strictObject({
  model: z.string().min(1).max(200).describe('Name or id of the chat model that writes the questions'),
  documents: z
    .array(idField)
    .min(1)
    .max(1000)
    .optional()
    .describe('Only these; documents of single users are never asked about'),
  knowledge_source: z.string().min(1).max(200).optional().describe('Name or id; only documents of this source'),
  passages: z.int().min(1).max(1000).default(20).describe('The model is called once for each'),
  questions_per_passage: z.int().min(1).max(5).default(2),
  instructions: z.string().trim().min(1).max(4000).optional().describe('What the questions should be like'),
  tags: z.array(z.string().trim().min(1).max(100)).max(50).default(['proposed']),
  seed: z.int().min(0).max(2_147_483_647).default(1).describe('Another one chooses other passages'),
  patience_seconds: z.int().min(0).max(3600).default(120).describe('For how long a model that is away is waited for'),
});

/** A proposal of cases, and how far it is. */
export const caseProposalSchema = z.strictObject({
  id: idField,
  dataset_id: idField,
  status: z.enum(['queued', 'running', 'completed', 'failed', 'cancelled']),
  model: z.strictObject({ id: idField, name: z.string() }),
  passages: z.strictObject({ total: z.int(), open: z.int(), done: z.int(), failed: z.int(), cancelled: z.int() }),
  proposed: z.int().describe('Cases that were new to the data set'),
  refused: z.int().describe('Questions that the passage does not bear out'),
  faults: z.array(z.strictObject({ code: z.string(), detail: z.string() })).describe('Why passages failed'),
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  completed_at: timeField.nullable(),
  ...timestampFields,
});

export type CaseProposal = z.infer<typeof caseProposalSchema>;

/** Path parameters of one proposal of a data set. */
export const caseProposalParamsSchema = z.strictObject({ id: idField, proposal_id: idField });
