import { z } from 'zod';
import { idField, jsonObjectField, nameField, timeField, timestampFields } from './fields.ts';
import { mostApprovalSeconds } from './names/limits.ts';
import { findConditionMistakes } from './search-filter.ts';
import { apiToolConfigurationSchema, builtinConfigurationSchema, toolCredentialsSchema } from './tool-configuration.ts';

const conditionField = jsonObjectField.superRefine((condition, context) => {
  for (const { path, message } of findConditionMistakes(condition, 'condition'))
    context.addIssue({ code: 'custom', path: path.split('.').slice(1), message });
});

const expiresAfter = z
  .int()
  .min(60)
  .max(mostApprovalSeconds)
  .optional()
  .describe('How long a call waits for a person before it counts as denied; 30 days unless given');

/** When a person must approve a call before it is made. */
export const toolApprovalSchema = z
  .discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('never') }),
    z.strictObject({ mode: z.literal('always'), expires_after_seconds: expiresAfter }),
    z.strictObject({
      mode: z.literal('when'),
      expires_after_seconds: expiresAfter,
      condition: conditionField.describe(
        'A filter over the arguments, as in {"total": {"gt": 100}}; operators as in the filters of a search',
      ),
    }),
  ])
  .describe('When a person must approve a call');

/** What one version of a tool says; credentials are not part of it. */
const versionedFields = {
  name: z.string(),
  description: z.string(),
  type: z.enum(['api', 'builtin']),
  configuration: jsonObjectField,
  parameters: jsonObjectField.describe('JSON Schema of the arguments'),
  has_credentials: z.boolean(),
  effect: z.enum(['read', 'write']).describe('Whether a call changes anything'),
  idempotent: z.boolean().describe('Whether a call may be repeated with the same key without a second effect'),
  approval: toolApprovalSchema,
  timeout_ms: z.int(),
  max_result_bytes: z.int().describe('What a call gives beyond is cut'),
  is_active: z.boolean(),
};

/** A tool that agents may use; each change of it makes a version. */
export const toolSchema = z.strictObject({
  id: idField,
  version: z.int(),
  function_name: z.string().describe('What a model calls it; an agent with two of a name gives the second a number'),
  ...versionedFields,
  ...timestampFields,
});

/** One version of a tool. */
export const toolVersionSchema = z.strictObject({ version: z.int(), ...versionedFields, created_at: timeField });

const writable = {
  description: z.string().max(10_000).describe('What it does and when to use it: the model reads this'),
  effect: z.enum(['read', 'write']),
  idempotent: z
    .boolean()
    .describe('A repeated call with the same Idempotency-Key has no second effect. What reads always is'),
  approval: toolApprovalSchema,
  timeout_ms: z.int().min(100).max(600_000),
  max_result_bytes: z.int().min(256).max(1_048_576),
  is_active: z.boolean(),
};

const apiParameters = jsonObjectField.describe(
  'JSON Schema of an object, draft 2020-12, or draft 7 where `$schema` says so; references stay inside of it',
);

/** Body of `POST /tools`. */
export const createToolSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('api'),
    name: nameField,
    description: writable.description.default(''),
    configuration: apiToolConfigurationSchema,
    parameters: apiParameters.default({ type: 'object', properties: {} }),
    credentials: toolCredentialsSchema.nullable().default(null),
    effect: writable.effect.optional().describe('Of GET and HEAD read, of the rest write, unless given'),
    idempotent: writable.idempotent.default(false),
    approval: writable.approval.optional().describe('Of what reads never, of what writes always, unless given'),
    timeout_ms: writable.timeout_ms.default(30_000),
    max_result_bytes: writable.max_result_bytes.default(16_384),
    is_active: writable.is_active.default(true),
  }),
  z.strictObject({
    type: z.literal('builtin'),
    name: nameField,
    description: writable.description.optional().describe('Its own unless given'),
    configuration: builtinConfigurationSchema,
    approval: writable.approval.optional(),
    max_result_bytes: writable.max_result_bytes.default(16_384),
    is_active: writable.is_active.default(true),
  }),
]);

export type CreateTool = z.infer<typeof createToolSchema>;

/** Body of `PATCH /tools/{id}`; a configuration and a schema replace the former ones. */
export const updateToolSchema = z
  .strictObject({
    name: nameField,
    ...writable,
    configuration: jsonObjectField.describe('As its type wants it'),
    parameters: apiParameters,
    credentials: toolCredentialsSchema.nullable().describe('Null removes them; left out they stay'),
  })
  .partial();

export type UpdateTool = z.infer<typeof updateToolSchema>;

/** Body of `POST /tools/{id}/test`. */
export const testToolSchema = z.strictObject({
  arguments: jsonObjectField.default({}),
  user: z.string().trim().min(1).max(255).optional().describe('External id of the user for whom it is called'),
  confirm: z.boolean().default(false).describe('Needed for a tool that writes: the call is made for real'),
});

/** Answer to it: what the model would be given. */
export const toolTestSchema = z.strictObject({
  call_id: idField.describe('Sent as Idempotency-Key by a tool that writes'),
  state: z.enum(['succeeded', 'failed', 'invalid', 'unknown']),
  needs_approval: z.boolean().describe('Whether an agent would wait for a person before this call'),
  content: z.string(),
  truncated: z.boolean(),
  bytes: z.int(),
  error: z
    .strictObject({
      code: z.string(),
      detail: z.string(),
      outcome: z.enum(['not_started', 'failed', 'unknown']),
      retryable: z.boolean(),
    })
    .nullable(),
  duration_ms: z.number(),
});

/** Body of `POST /tools/import`. */
export const importToolsSchema = z
  .strictObject({
    document: z
      .union([z.string().min(1).max(8_000_000), jsonObjectField])
      .optional()
      .describe('An OpenAPI 3.0 or 3.1 document: JSON or YAML as text, or the object itself'),
    url: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Where to fetch it instead'),
    operations: z
      .array(z.string().min(1).max(2000))
      .min(1)
      .max(200)
      .optional()
      .describe('Which to take, by operationId or as in "GET /orders/{id}"; all of them when left out'),
    server: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .optional()
      .describe('Base address, instead of the first server of the document'),
    name_prefix: z.string().max(100).default('').describe('Put before each name'),
    credentials: toolCredentialsSchema.nullable().default(null).describe('For all of them'),
    approval: toolApprovalSchema.optional().describe('For those that write; always unless given'),
    existing: z
      .enum(['refuse', 'update'])
      .default('refuse')
      .describe('What becomes of a tool that has the name already: refuse all, or make it a new version'),
    dry_run: z.boolean().default(false).describe('Show what would be made and make nothing'),
  })
  .refine((body) => (body.document === undefined) !== (body.url === undefined), {
    message: 'give either document or url',
    path: ['document'],
  });

export type ImportTools = z.infer<typeof importToolsSchema>;

/** Answer to it. */
export const toolsImportedSchema = z.strictObject({
  title: z.string(),
  tools: z.array(
    z.strictObject({
      id: idField.nullable().describe('Null in a dry run that would make it'),
      name: z.string(),
      operation: z.string().describe('Method and path'),
      effect: z.enum(['read', 'write']),
      outcome: z.enum(['created', 'updated', 'would_create', 'would_update']),
    }),
  ),
  skipped: z.array(z.strictObject({ operation: z.string(), reason: z.string() })),
  warnings: z.array(z.strictObject({ operation: z.string(), detail: z.string() })),
});
