import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';
import { messageSchema } from './message.ts';
import { toolCallSchema } from './tool-call.ts';
import { turnSchema } from './turn.ts';

const versionedField = z.strictObject({
  id: idField,
  name: z.string().nullable().describe('As it is called now; null once it is gone'),
  version: z.int(),
});

/** One message of a prompt, as it was sent to the model. */
const promptMessageSchema = z.strictObject({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string(),
  tool_calls: z.array(z.strictObject({ id: z.string(), name: z.string(), arguments: z.string() })).optional(),
  tool_call_id: z.string().optional(),
});

/** A passage that a search gave to the turn; `n` is its number in citations. */
const passageSchema = z.strictObject({
  n: z.int(),
  document_id: idField,
  generation: z.int(),
  chunk_index: z.int(),
  title: z.string(),
  start_char: z.int(),
  end_char: z.int(),
  score: z.number(),
  content: z.string(),
});

/** One paid call of a model with the provider's own figures. */
const usageRowSchema = z.strictObject({
  call_id: idField.describe('What the provider was sent'),
  step: z.int().nullable(),
  attempt: z.int().nullable(),
  model_id: idField,
  model: z.string().nullable(),
  state: z.enum(['started', 'settled', 'unknown']).describe('unknown: its figures never arrived'),
  prompt_tokens: z.int().nullable(),
  completion_tokens: z.int().nullable(),
  total_tokens: z.int().nullable(),
  cost: z.string().nullable().describe('null: figures or price unknown'),
  currency: z.string().nullable(),
  pricing: jsonObjectField.describe('As it stood when the call began'),
  started_at: timeField,
  settled_at: timeField.nullable(),
});

/** One step of a turn: what was asked, what came back, and what it led to. */
const auditStepSchema = z.strictObject({
  step: z.int(),
  kind: z.enum(['retrieve', 'route', 'model', 'summarize']),
  state: z.enum(['running', 'succeeded', 'failed']),
  attempt: z.int().describe('The attempt that its outcome is of'),
  started_at: timeField,
  completed_at: timeField.nullable(),
  request: jsonObjectField.describe('Model, parameters and tools that were offered; the query of a retrieval'),
  prompt: z
    .strictObject({
      messages: z.array(promptMessageSchema),
      hash: z.string().nullable().describe('SHA-256 of the messages as they were sent'),
      is_exact: z.boolean().describe('Whether the messages shown have this hash: false once one of them was deleted'),
    })
    .nullable()
    .describe('Of a call of the model'),
  response: jsonObjectField.nullable(),
  passages: z.array(passageSchema),
  tool_calls: z.array(toolCallSchema).describe('In their order, with approval, approver and arguments'),
  usage: z.array(usageRowSchema).describe('A row for each attempt: more than one means that the call was repeated'),
});

/** What happened, in the order in which it was committed. */
const auditEventSchema = z.strictObject({
  seq: z.int(),
  at: timeField,
  attempt: z.int(),
  event: z.string(),
  data: jsonObjectField,
});

/** Answer of `GET /turns/{id}/audit`: everything that is known of a turn, in order. */
export const turnAuditSchema = z.strictObject({
  format: z.literal(1),
  turn: turnSchema.extend({
    kind: z.enum(['message', 'regenerate', 'edit', 'retry']),
    replaces_turn_id: idField.nullable(),
    topic: z.string().nullable(),
    limits: jsonObjectField,
    limit_reached: z.enum(['steps', 'tokens', 'seconds', 'cost']).nullable(),
    waited_seconds: z.number().describe('For people'),
  }),
  user: z.string(),
  versions: z.strictObject({ agent: versionedField, prompt_templates: z.array(versionedField) }),
  question: messageSchema,
  answer: messageSchema.nullable(),
  steps: z.array(auditStepSchema),
  interruptions: z
    .array(z.strictObject({ attempt: z.int(), step: z.int(), at: timeField }))
    .describe('Where an attempt broke off (a crash, a restart, a failed call) and the next one took over'),
  totals: z.strictObject({
    calls: z.int(),
    unknown_calls: z.int().describe('Without figures: when not 0, the sums are lower bounds'),
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
    costs: z.array(z.strictObject({ currency: z.string(), amount: z.string() })),
  }),
  other_usage: z.array(usageRowSchema).describe('Of calls that belong to the turn and to none of its steps'),
  temporal: z.strictObject({
    namespace: z.string(),
    workflow_id: z.string(),
    run_id: z.string().nullable().describe('The run that served it last'),
    url: z.string().nullable().describe('In the web UI, where PERDURE_TEMPORAL_UI_URL tells its address'),
  }),
  events: z.array(auditEventSchema).describe('Without the pieces of text'),
});

export type TurnAudit = z.infer<typeof turnAuditSchema>;
