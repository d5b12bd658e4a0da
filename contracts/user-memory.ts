import { z } from 'zod';
import { jsonObjectField, timeField, timestampFields, userField } from './fields.ts';
import { memoryOrigins } from './names/memory-fact.ts';

/** Path parameters of a user's memory. */
export const userMemoryParamsSchema = z.strictObject({ external_id: userField });

const versionField = z.int().min(1);
const originField = z
  .enum(memoryOrigins)
  .describe(
    'Who made this version: a person, a conversation, the condensation or the cut of what was over the cap, a rollback',
  );

const factSchema = z
  .strictObject({
    line: z.string(),
    subject: z.string(),
    statement: z.string(),
    said_at: timeField.describe('Of two lines that contradict each other, the one with the later time stays'),
    source: z.enum(['written', 'learned', 'condensed']),
    conversation_id: z.string().nullable(),
    message_id: z.string().nullable().describe('The message of the user that says it'),
    quote: z.string().nullable().describe('The words there'),
    supersedes: z.array(z.strictObject({ statement: z.string(), said_at: timeField.nullable() })),
  })
  .describe('What is known of one line of the memory');

/** What is remembered of a user: one row, the newest of its versions. */
export const userMemorySchema = z.strictObject({
  user: z.string(),
  memory: z.string(),
  metadata: jsonObjectField,
  facts: z.array(factSchema),
  version: versionField,
  origin: originField,
  tokens: z.int(),
  cap_tokens: z.int().describe('Tokens that it may have; what is more is condensed'),
  ...timestampFields,
});

/** Body of `PUT /users/{external_id}/memory`. */
export const putUserMemorySchema = z.strictObject({
  memory: z.string().max(100_000),
  metadata: jsonObjectField.default({}),
  if_version: z.int().min(0).optional().describe('Refuses to replace any other version; 0: only where there is none'),
});

/** Path parameters of one version. */
export const memoryVersionParamsSchema = z.strictObject({
  external_id: userField,
  version: z.coerce.number().int().min(1).max(2_147_483_647),
});

/** One entry of the list of versions; `detail` says what was added, superseded, cut, or gone back to. */
export const memoryVersionEntrySchema = z.strictObject({
  version: versionField,
  origin: originField,
  tokens: z.int(),
  detail: jsonObjectField,
  created_at: timeField,
});

/** A version with its text. */
export const memoryVersionSchema = memoryVersionEntrySchema.extend({
  memory: z.string(),
  metadata: jsonObjectField,
  facts: z.array(factSchema),
});

/** Body of `POST /users/{external_id}/memory/rollback`. */
export const rollbackMemorySchema = z.strictObject({
  version: versionField.optional().describe('The version to go back to; the one before the present one when left out'),
});

/** What a user has chosen about the memory. */
export const memorySettingsSchema = z.strictObject({
  learn: z.boolean().describe('Whether conversations teach anything about the user'),
  recall: z.boolean().describe('Whether prompts carry what is remembered'),
  cap_tokens: z
    .int()
    .min(50)
    .max(50_000)
    .nullable()
    .describe("Tokens that the memory may have; null leaves it to the server's setting"),
});

/** Body of `PUT /users/{external_id}/memory/settings`. */
export const putMemorySettingsSchema = z.strictObject({
  learn: memorySettingsSchema.shape.learn.default(true),
  recall: memorySettingsSchema.shape.recall.default(true),
  cap_tokens: memorySettingsSchema.shape.cap_tokens.default(null),
});
