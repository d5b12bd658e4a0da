import { z } from 'zod';
import { messageAcceptedSchema } from './turn.ts';
import { turnEventSchema } from './turn-event.ts';

/** What a client gets that sends a message and asks for events: first that both rows are committed, then those of the turn. */
export const turnStreamEventSchema = z.union([
  z.strictObject({ event: z.literal('accepted'), data: messageAcceptedSchema }),
  turnEventSchema,
]);
