import { z } from 'zod';
import { givenCaseSchema } from './evaluation-case.ts';
import { idField, jsonObjectField, nameField, timeField, timestampFields, userField } from './fields.ts';
import { pageQuerySchema } from './page.ts';
import { retrievalParamsSchema } from './search.ts';

/** What can be measured. */
export const evaluationTypes = ['agent', 'rag_tool', 'retrieval_tool', 'prompt_template', 'endpoint'] as const;

/** How a run stands. */
export const evaluationStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;

/** What a finished run says. */
export const evaluationVerdicts = ['passed', 'failed', 'incomplete'] as const;

const reference = z.string().min(1).max(200);
const pointer = z
  .string()
  .max(500)
  .regex(/^(?:\/[^/]*)*$/, 'must be a JSON pointer, such as /answer');

/** What is measured. */
export const evaluationTargetSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('agent'), agent: reference.describe('Name or id') }),
  z.strictObject({
    type: z.literal('rag_tool'),
    rag_tool: reference.describe('Name or id'),
    model: reference.optional().describe('A chat model that answers from what is found; without one, only ranks count'),
    instructions: z.string().max(20_000).optional(),
  }),
  z.strictObject({
    type: z.literal('retrieval_tool'),
    retrieval_tool: reference.describe('Name or id'),
    rag_tool: reference.default('documents').describe('Whose embedding model and parameters are used'),
  }),
  z.strictObject({
    type: z.literal('prompt_template'),
    prompt_template: reference.describe('Name or id'),
    model: reference.describe('Name or id of a chat model'),
  }),
  z.strictObject({
    type: z.literal('endpoint'),
    url: z.url({ protocol: /^https?$/ }).max(2000),
    headers: z.record(z.string(), z.string().max(10_000)).default({}).describe('Sealed at once, never shown again'),
    answer: pointer.default('/answer').describe('Where in its JSON the answer is'),
    contexts: pointer.optional().describe('Where the list of passages is: texts, or objects with document and text'),
  }),
]);

export type GivenTarget = z.infer<typeof evaluationTargetSchema>;

/** What differs in one variant; what is left out is the target's own. */
export const evaluationVariantSchema = z.strictObject({
  name: z.string().trim().min(1).max(100),
  agent: reference.optional(),
  model: reference.optional(),
  prompt_template: reference.optional(),
  instructions: z.string().max(20_000).optional(),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.int().min(1).max(100_000).optional(),
  top_k: z.int().min(1).max(100).optional(),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .optional(),
  ...retrievalParamsSchema.shape,
});

export type GivenVariant = z.infer<typeof evaluationVariantSchema>;

const metricField = z
  .union([
    z.string().min(1).max(200),
    z.strictObject({
      name: z.string().min(1).max(200),
      parameters: jsonObjectField.optional(),
      label: z.string().min(1).max(200).optional(),
    }),
  ])
  .describe('`recall@5`, `faithfulness`, or an object with parameters');

const gateField = z
  .union([z.string().min(1).max(300), jsonObjectField])
  .describe('`faithfulness>=0.8`, `p95(latency_ms)<=2000`, `recall@5 no_regression_beyond 0.02`, or an object');

/** Body of `POST /evaluations`. */
export const createEvaluationSchema = z
  .strictObject({
    name: nameField.optional().describe('Made of the data set and the time unless given'),
    dataset: reference.optional().describe('Name or id'),
    dataset_version: z.int().min(1).optional().describe('The newest unless given'),
    test_cases: z.array(givenCaseSchema).min(1).max(2000).optional().describe('In the place of a data set'),
    tags: z.array(z.string().min(1).max(100)).max(50).default([]).describe('Only cases that have one of these'),
    limit: z.int().min(1).max(50_000).optional().describe('Only the first so many cases'),
    target: evaluationTargetSchema,
    variants: z
      .array(evaluationVariantSchema)
      .min(1)
      .max(20)
      .default([{ name: 'default' }])
      .refine((variants) => new Set(variants.map(({ name }) => name)).size === variants.length, 'names must differ'),
    metrics: z.array(metricField).min(1).max(50),
    judge: reference.optional().describe('Name or id of the chat model that judges'),
    judge_embedding: reference.optional().describe('Name or id of an embedding model, for metrics of similarity'),
    gates: z.array(gateField).max(100).default([]),
    repetitions: z.int().min(1).max(20).default(1),
    seed: z.int().min(0).max(2_147_483_647).default(1),
    lanes: z.int().min(1).max(32).default(4).describe('Items in work at once'),
    rate: z.number().min(1).max(1_000_000).nullable().default(null).describe('Most calls in a minute'),
    patience_seconds: z
      .int()
      .min(0)
      .max(3600)
      .default(120)
      .describe('For how long a model that is away is waited for, before what needs it is unscored'),
    user: userField.optional().describe('Whose documents are found besides the global ones'),
    baseline: reference.nullable().default(null).describe('Name or id of a run to compare with'),
    reuse: z
      .boolean()
      .default(false)
      .describe('Take over outputs and scores of earlier runs where case, target and metric are unchanged'),
    git_revision: z.string().min(1).max(100).optional(),
  })
  .refine(({ dataset, test_cases: cases }) => (dataset === undefined) !== (cases === undefined), {
    message: 'give either dataset or test_cases',
    path: ['dataset'],
  });

export type CreateEvaluation = z.infer<typeof createEvaluationSchema>;

/** Items of a run by their state, and results by theirs. */
export const evaluationProgressSchema = z.strictObject({
  total: z.int(),
  pending: z.int(),
  running: z.int(),
  scoring: z.int(),
  done: z.int(),
  failed: z.int(),
  cancelled: z.int(),
});

/** A run. */
export const evaluationSchema = z.strictObject({
  id: idField,
  name: z.string(),
  type: z.enum(evaluationTypes),
  status: z.enum(evaluationStatuses),
  verdict: z.enum(evaluationVerdicts).nullable(),
  verdict_reasons: z.array(z.unknown()),
  dataset_id: idField.nullable(),
  dataset_version: z.int().nullable(),
  dataset_hash: z.string().nullable(),
  target: jsonObjectField,
  configuration: jsonObjectField,
  baseline_id: idField.nullable(),
  reuse: z.boolean(),
  git_revision: z.string().nullable(),
  progress: evaluationProgressSchema,
  results: z.array(jsonObjectField).describe('A summary of each variant'),
  metrics: jsonObjectField,
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  hint: z.string().nullable().describe('What to do about items of a run that has ended which have no output'),
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
  ...timestampFields,
});

export type Evaluation = z.infer<typeof evaluationSchema>;

/** Query of `GET /evaluations`. */
export const listEvaluationsQuerySchema = pageQuerySchema.extend({
  status: z.enum(evaluationStatuses).optional(),
  dataset: z.string().min(1).max(200).optional().describe('Name or id'),
});

/** What a metric says of an item. */
export const evaluationResultSchema = z.strictObject({
  metric: z.string(),
  state: z.enum(['scored', 'unscored', 'not_applicable']),
  score: z.number().nullable(),
  reason: z.string().nullable(),
  details: jsonObjectField.nullable(),
  reused_from: idField.nullable(),
});

/** One case in one variant and repetition. */
export const evaluationItemSchema = z.strictObject({
  ordinal: z.int(),
  case_id: idField,
  case_key: z.string(),
  variant: z.int(),
  repetition: z.int(),
  state: z.enum(['pending', 'running', 'scoring', 'done', 'failed', 'cancelled']),
  output: z.string().nullable(),
  prompt_tokens: z.int().nullable(),
  completion_tokens: z.int().nullable(),
  cost: z.string().nullable(),
  currency: z.string().nullable(),
  latency_ms: z.number().nullable(),
  error: z.strictObject({ code: z.string(), detail: z.string() }).nullable(),
  reused_from: idField.nullable(),
  results: z.array(evaluationResultSchema),
});

/** Query of `GET /evaluations/{id}/items`. */
export const listItemsQuerySchema = pageQuerySchema.extend({
  state: z.enum(['pending', 'running', 'scoring', 'done', 'failed', 'cancelled']).optional(),
  variant: z.coerce.number().int().min(0).optional(),
  unscored: z.enum(['true', 'false']).optional().describe('true: only items with a metric that has no score'),
});

/** Query of `GET /evaluations/{id}/report`. */
export const reportQuerySchema = z.strictObject({
  format: z.enum(['json', 'csv', 'junit', 'markdown']).default('json'),
  baseline: z.string().min(1).max(200).optional().describe('Name or id of another run to compare with'),
});

/** Everything about one item, for an auditor. */
export const itemAuditSchema = evaluationItemSchema.extend({
  input: jsonObjectField,
  expected_answer: z.string().nullable(),
  prompt: z.unknown(),
  contexts: z.array(z.unknown()),
  tool_calls: z.array(z.unknown()),
  turn_ids: z.array(idField),
  calls: z.array(
    z.strictObject({
      id: idField,
      metric: z.string().describe('`target` for the call that made the output'),
      position: z.int().nullable(),
      attempt: z.int().nullable(),
      state: z.string(),
      request: z.unknown(),
      answer: z.unknown(),
      error: z.unknown(),
      model: z.string().nullable(),
      prompt_tokens: z.int().nullable(),
      completion_tokens: z.int().nullable(),
      cost: z.string().nullable(),
      currency: z.string().nullable(),
      started_at: timeField.nullable(),
    }),
  ),
});

/** `GET /evaluations/{id}/audit`: the run, where its histories are, and its items page by page. */
export const evaluationAuditSchema = z.strictObject({
  evaluation: evaluationSchema,
  workflow_id: z.string(),
  run_id: z.string().nullable(),
  history_url: z.string().nullable(),
  exported_histories: z.array(z.strictObject({ run_id: z.string(), bytes: z.int(), created_at: timeField })),
  usage: z.strictObject({
    calls: z.int(),
    unknown_calls: z.int(),
    prompt_tokens: z.number(),
    completion_tokens: z.number(),
    costs: z.array(z.strictObject({ currency: z.string(), amount: z.string() })),
  }),
  items: z.array(itemAuditSchema),
  next_cursor: z.string().nullable(),
});
