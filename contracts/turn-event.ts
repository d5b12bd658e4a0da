import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';
import { citationSchema } from './message.ts';
import { turnEventKinds, type TurnEventKind } from './names/turn-events.ts';
import { toolCallStates } from './tool-call.ts';

const stepField = z.int().describe('Counts from 0 in a turn');
const callField = idField.describe('Of /tool-calls/{id}');

/** What each kind of event carries. */
export const turnEventPayloads = {
  turn_started: z.strictObject({ attempt: z.int() }),
  step_started: z.strictObject({
    step: stepField,
    kind: z.enum(['retrieve', 'route', 'model', 'summarize']),
    model: z.string().optional(),
    limit: z.enum(['steps', 'tokens', 'seconds', 'cost']).optional().describe('Why this step is the last'),
  }),
  text_delta: z.strictObject({ text: z.string(), step: stepField }),
  reasoning_delta: z.strictObject({ text: z.string(), step: stepField }).describe('Is no part of the answer'),
  tool_call_proposed: z.strictObject({
    call_id: callField,
    provider_call_id: z.string(),
    step: stepField,
    position: z.int(),
    name: z.string(),
    arguments: jsonObjectField.nullable(),
    effect: z.enum(['read', 'write']),
  }),
  approval_required: z.strictObject({
    call_id: callField,
    approval_id: idField,
    arguments_hash: z.string().describe('What the decision must name'),
    expires_at: timeField,
  }),
  approval_decided: z.strictObject({
    call_id: callField,
    decision: z.enum(['approved', 'denied', 'expired']),
    by: z.string().nullable(),
    changed: z.boolean().optional().describe('Whether the arguments were changed'),
  }),
  tool_call_started: z.strictObject({ call_id: callField }),
  tool_call_result: z.strictObject({
    call_id: callField,
    state: z.enum(toolCallStates),
    truncated: z.boolean(),
    preview: z.string().describe('How the result begins'),
  }),
  needs_review: z.strictObject({ call_id: callField }).describe('A write was interrupted: settle it'),
  retrying: z
    .strictObject({
      step: stepField,
      model: z.string(),
      reason: z.string().describe('A code of the error table, or `circuit_open`'),
      in_ms: z.int().describe('After so many milliseconds'),
      hint: z.string().optional().describe('Where the wait is long: what ends it'),
    })
    .describe('The model failed or rests, and is called again'),
  model_fallback: z
    .strictObject({ step: stepField, from: z.string(), to: z.string(), reason: z.string() })
    .describe('The next model of the agent takes over'),
  warning: z.strictObject({ code: z.string(), detail: z.string() }),
  reset: z
    .strictObject({ attempt: z.int(), step: stepField })
    .describe('Drop the text that you have shown; what still holds comes again. Calls of tools are not undone'),
  citation: citationSchema.extend({ position: z.int() }),
  usage: z.strictObject({
    step: stepField,
    model: z.string(),
    prompt_tokens: z.int().nullable(),
    completion_tokens: z.int().nullable(),
    total_tokens: z.int().nullable().describe("The provider's own figures; null where it gave none"),
  }),
  done: z.strictObject({ message_id: idField, sequence: z.int() }),
  error: z.strictObject({
    code: z.string(),
    detail: z.string(),
    hint: z.string().optional().describe('What to do about it'),
  }),
  cancelled: z.strictObject({ message_id: idField.nullable().describe('Holds what was said until then') }),
} satisfies Record<TurnEventKind, z.ZodObject>;

type Payloads = typeof turnEventPayloads;
type EventSchemas = {
  [Kind in TurnEventKind]: z.ZodObject<{ id: z.ZodInt; event: z.ZodLiteral<Kind>; data: Payloads[Kind] }>;
}[TurnEventKind];

/** One event of `GET /turns/{id}/events`: the fields `id`, `event` and `data` of the stream, `data` as JSON. */
export const turnEventSchema = z.discriminatedUnion(
  'event',
  turnEventKinds.map((kind) =>
    z.strictObject({ id: z.int().min(1), event: z.literal(kind), data: turnEventPayloads[kind] }),
  ) as unknown as readonly [EventSchemas, ...EventSchemas[]],
);

export type TurnEvent = z.infer<typeof turnEventSchema>;
