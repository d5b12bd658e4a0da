import { z } from 'zod';
import { idField } from './fields.ts';
import { turnEventKinds } from './names/turn-events.ts';
import { turnEventPayloads } from './turn-event.ts';

const positionField = z.string().describe('Where the whole stream stands; send it as Last-Event-ID to go on behind it');
const turnField = idField.describe('Of /turns/{id}');

const acceptedSchema = z.strictObject({
  id: positionField,
  event: z.literal('turn_accepted'),
  data: z
    .strictObject({
      turn_id: turnField,
      number: z.int().min(1).describe('Counts the turns of the conversation'),
      kind: z.enum(['message', 'regenerate', 'edit', 'retry']),
      message_id: idField.describe('What the turn answers'),
      content: z.string().describe('Of that message'),
      replaces_turn_id: idField.nullable(),
    })
    .describe('A message was sent, or an answer is asked for again'),
});

const deletedSchema = z.strictObject({
  event: z.literal('deleted'),
  data: z.strictObject({ id: idField }).describe('The conversation was deleted: nothing follows'),
});

const ofTurns = turnEventKinds.map((kind) =>
  z.strictObject({
    id: positionField,
    event: z.literal(kind),
    data: turnEventPayloads[kind].extend({
      turn_id: turnField,
      seq: z.int().min(1).describe('The id of the event in the stream of its turn'),
    }),
  }),
);

/** One event of `GET /conversations/{id}/events`: those of its turns, each with its turn, and what becomes of the turns. */
export const conversationEventSchema = z.discriminatedUnion('event', [acceptedSchema, deletedSchema, ...ofTurns]);

/** Query of `GET /conversations/{id}/events`. */
export const conversationEventsQuerySchema = z.strictObject({
  last_event_id: z.string().max(8000).optional().describe('For clients that cannot set the header Last-Event-ID'),
  from: z
    .enum(['beginning', 'now'])
    .default('beginning')
    .describe('Where a new watcher begins: with the first turn, or with those that have not ended'),
});
