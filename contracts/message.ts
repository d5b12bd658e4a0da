import { z } from 'zod';
import { idField, jsonObjectField, timeField } from './fields.ts';
import { maxMessageCharacters } from './names/limits.ts';
import { pageQuerySchema } from './page.ts';

/** A numbered reference of an answer: a snapshot of the passage as it stood when the answer was given. */
export const citationSchema = z.strictObject({
  marker: z.int().describe('The n of [n] in the answer'),
  document_id: idField,
  generation: z.int(),
  chunk_index: z.int().nullable().describe('null once the passage was replaced or deleted'),
  title: z.string(),
  source_url: z.string().nullable(),
  start_char: z.int(),
  end_char: z.int(),
  quote: z.string(),
  page: z.int().nullable().describe('Where the quote begins; null in a document without pages'),
  page_end: z.int().nullable(),
  page_label: z.string().nullable().describe('The name of the slide or sheet'),
  headings: z.array(z.string()).describe('Titles of the headings above the quote, outermost first'),
});

export type Citation = z.infer<typeof citationSchema>;

/** One message; `sequence` orders a conversation without gaps of meaning. */
export const messageSchema = z.strictObject({
  id: idField,
  conversation_id: idField,
  sequence: z.int(),
  client_message_id: z.string().nullable(),
  parent_id: idField.nullable(),
  sender: z.enum(['user', 'assistant']),
  content: z.string(),
  token_count: z.int().nullable(),
  model_response_time: z.number().nullable().describe('Seconds'),
  metadata: jsonObjectField,
  citations: z.array(citationSchema),
  turn_id: idField.nullable().describe('The turn that this message began, or that it answers'),
  created_at: timeField,
});

export type Message = z.infer<typeof messageSchema>;

const onBusyField = z
  .enum(['queue', 'replace', 'refuse'])
  .optional()
  .describe('While another turn is under way: wait, end that one, or answer 409. What the agent says when left out');

/** Body of `POST /conversations/{id}/messages` and of `POST /messages/{id}/edit`. */
export const createMessageSchema = z.strictObject({
  content: z
    .string()
    .max(maxMessageCharacters)
    .refine((text) => text.trim() !== '', 'must not be empty'),
  client_message_id: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("The client's own id: the same one again is the same message, not a second one"),
  on_busy: onBusyField,
});

/** Query of `GET /conversations/{id}/messages`. */
export const listMessagesQuerySchema = pageQuerySchema.extend({
  branch: z
    .enum(['all', 'active'])
    .default('all')
    .describe('`active`: only the messages of the branch that is shown, from the first to the last'),
});

/** Body of `POST /messages/{id}/regenerate` and of `POST /turns/{id}/retry`. */
export const answerAgainSchema = z.strictObject({ on_busy: onBusyField });
