import { z } from 'zod';
import { vectorIndexSchema } from './vector-index.ts';
import { idField, jsonObjectField, nameField, timeField, timestampFields } from './fields.ts';

/** A chat or embedding model; `has_api_key` says that a sealed key is stored, which never leaves. */
export const modelSchema = z.strictObject({
  id: idField,
  name: z.string(),
  kind: z.enum(['chat', 'embedding']),
  provider: z.string(),
  model_id: z.string(),
  endpoint: z.string().nullable(),
  has_api_key: z.boolean(),
  pricing: jsonObjectField,
  capabilities: jsonObjectField,
  dimensions: z.int().nullable(),
  is_active: z.boolean(),
  circuit: z
    .strictObject({
      state: z
        .enum(['closed', 'open', 'half_open'])
        .describe('`open`: nobody calls the model; `half_open`: one turn tries it for all'),
      failures: z.int().describe('In a row, since the last answer'),
      open_until: timeField.nullable(),
      last_code: z.string().nullable(),
    })
    .describe("Of a chat model: how turns' calls have failed lately, for all workers"),
  ...timestampFields,
});

/** Providers that this release can call. */
export const modelProviders = ['openai', 'local', 'extractive'] as const;

const price = z
  .string()
  .regex(/^\d{1,10}(\.\d{1,10})?$/, 'must be a decimal number in a string, such as "0.25"')
  .describe('Per million tokens');

/** Prices of a model, all or none; without prices a cost is unknown, never zero. */
export const pricingSchema = z.union([
  z.strictObject({
    currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
    input_per_million: price,
    output_per_million: price,
  }),
  z.strictObject({}),
]);

const perMinute = (what: string) =>
  z.number().min(1).max(1_000_000_000).optional().describe(`Most ${what} in a minute, over all workers together`);

const silence = (when: string) =>
  z
    .int()
    .min(100)
    .max(540_000)
    .optional()
    .describe(`Milliseconds of silence ${when}, after which a call is cut off; 60000 unless given`);

/** What a model can do and bear; beside these limits, each provider reads keys of its own. */
const capabilitiesField = z.looseObject({
  requestsPerMinute: perMinute('calls'),
  tokensPerMinute: perMinute('tokens'),
  firstByteTimeoutMs: silence('before the first byte of an answer'),
  stallTimeoutMs: silence('between two bytes of an answer'),
});

/** Body of `POST /models`. */
export const createModelSchema = z
  .strictObject({
    name: nameField,
    kind: z.enum(['chat', 'embedding']),
    provider: z.enum(modelProviders),
    model_id: z.string().min(1).max(200).describe("The provider's own id"),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .nullable()
      .default(null),
    api_key: z.string().min(1).max(10_000).nullable().default(null).describe('Sealed at once, never shown again'),
    pricing: pricingSchema.default({}),
    capabilities: capabilitiesField.default({}),
    dimensions: z
      .int()
      .min(1)
      .max(4000)
      .nullable()
      .default(null)
      .describe('Of an embedding model: its vectors’ length'),
    vector_index: vectorIndexSchema.optional().describe('Of an embedding model; can be changed later'),
    is_active: z.boolean().default(true),
  })
  .refine((body) => body.kind === 'embedding' || body.vector_index === undefined, {
    message: 'a chat model has no vectors',
    path: ['vector_index'],
  })
  .refine((body) => (body.kind === 'embedding') === (body.dimensions !== null), {
    message: 'an embedding model needs dimensions, a chat model has none',
    path: ['dimensions'],
  });

/** Body of `PATCH /models/{id}`; kind, provider and dimensions of a model never change. */
export const updateModelSchema = z
  .strictObject({
    name: nameField,
    model_id: z.string().min(1).max(200),
    endpoint: z
      .url({ protocol: /^https?$/ })
      .max(2000)
      .nullable(),
    api_key: z.string().min(1).max(10_000).nullable(),
    pricing: pricingSchema,
    capabilities: capabilitiesField,
    is_active: z.boolean(),
  })
  .partial();
