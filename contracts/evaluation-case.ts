import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';

/** The most cases that one version of a data set may have. */
export const mostCases = 50_000;

const text = z.string().max(100_000);

const messageField = z.strictObject({ role: z.enum(['user', 'assistant']), content: text.min(1) });

/** What a case asks: a question, a whole conversation whose user messages are sent one after the other, or values of a template. */
export const caseInputSchema = z.union([
  z.strictObject({ question: text.min(1), variables: jsonObjectField.optional() }),
  z.strictObject({
    messages: z
      .array(messageField)
      .min(1)
      .max(100)
      .refine((messages) => messages.at(-1)?.role === 'user', 'the last message must be of the role user'),
    variables: jsonObjectField.optional(),
  }),
  z.strictObject({ variables: jsonObjectField }),
]);

export type CaseInput = z.infer<typeof caseInputSchema>;

const grade = z.number().min(0).max(100).default(1).describe('How relevant; 1 unless given');
const documentName = z.string().min(1).max(2000).describe('Id, source URL, path or title of a document');

const expectedDocument = z
  .union([documentName, z.strictObject({ document: documentName, grade })])
  .transform((given) => (typeof given === 'string' ? { document: given, grade: 1 } : given));

const expectedToolCall = z.strictObject({ name: z.string().min(1).max(200), arguments: z.unknown().optional() });

/** A case as a request or a row of a file gives it. */
export const givenCaseSchema = z.strictObject({
  key: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .optional()
    .describe('Names the case across versions; made of its input unless given'),
  input: caseInputSchema,
  expected_answer: text.nullable().default(null),
  expected_documents: z.array(expectedDocument).max(1000).default([]),
  expected_chunks: z
    .array(z.strictObject({ document: documentName, chunk_index: z.int().min(0), grade }))
    .max(1000)
    .default([]),
  expected_tool_calls: z.array(expectedToolCall).max(100).nullable().default(null),
  is_unanswerable: z.boolean().default(false).describe('The right answer is to say that there is none'),
  tags: z.array(z.string().trim().min(1).max(100)).max(50).default([]),
  metadata: jsonObjectField.default({}),
});

export type GivenCase = z.infer<typeof givenCaseSchema>;

/** A case as it is stored. */
export const evaluationCaseSchema = z.strictObject({
  id: idField,
  key: z.string(),
  position: z.int(),
  state: z.enum(['accepted', 'proposed', 'rejected']),
  first_version: z.int().nullable(),
  last_version: z.int().nullable().describe('null: the newest version has it'),
  input: caseInputSchema,
  expected_answer: z.string().nullable(),
  expected_documents: z.array(z.strictObject({ document: z.string(), grade: z.number() })),
  expected_chunks: z.array(z.strictObject({ document: z.string(), chunk_index: z.int(), grade: z.number() })),
  expected_tool_calls: z.array(expectedToolCall).nullable(),
  is_unanswerable: z.boolean(),
  tags: z.array(z.string()),
  metadata: jsonObjectField,
  content_hash: z.string(),
  created_at: timeField,
});
