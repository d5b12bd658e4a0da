import { z } from 'zod';
import { storedErrorSchema } from './document.ts';
import { idField, timeField } from './fields.ts';
import { messageSchema } from './message.ts';

export const turnStates = ['accepted', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled'] as const;

/** The work that answers one user message. */
export const turnSchema = z.strictObject({
  id: idField,
  conversation_id: idField,
  user_message_id: idField,
  assistant_message_id: idField.nullable(),
  agent_id: idField,
  agent_version: z.int(),
  model_id: idField,
  kind: z
    .enum(['message', 'regenerate', 'edit', 'retry'])
    .describe('What asked for it: a message, an edited one, or another answer to the same question'),
  replaces_turn_id: idField.nullable().describe('The turn whose question this one answers again'),
  topic: z.string().nullable().describe('Of the agent; null without topics'),
  versions: z
    .looseObject({ agent: z.int(), templates: z.record(idField, z.int()).optional() })
    .describe('With which versions of agent and prompt templates it is served'),
  step: z.int().describe('How many steps are done'),
  limit_reached: z
    .enum(['steps', 'tokens', 'seconds', 'cost'])
    .nullable()
    .describe('Why it had to answer with what it had'),
  waiting_since: timeField.nullable().describe('While the state is `waiting`: for a person'),
  state: z.enum(turnStates),
  attempt: z.int().describe('More than 1 when a crash or a refusal made a step begin again'),
  error: storedErrorSchema.extend({ hint: z.string().nullable().describe('What to do about it') }).nullable(),
  cancel_requested_at: timeField.nullable(),
  created_at: timeField,
  started_at: timeField.nullable(),
  completed_at: timeField.nullable(),
});

export type Turn = z.infer<typeof turnSchema>;

/** Answer of `POST /conversations/{id}/messages`: both rows are committed. */
export const messageAcceptedSchema = z.strictObject({ message: messageSchema, turn: turnSchema });

/** Answer of `GET /turns/{id}`: the turn and, once it has one, its answer with citations. */
export const turnWithAnswerSchema = turnSchema.extend({ answer: messageSchema.nullable() });

/** Query of `GET /turns/{id}/events`, for clients that cannot set the header Last-Event-ID. */
export const turnEventsQuerySchema = z.strictObject({
  last_event_id: z.coerce.number().int().min(0).optional(),
});
