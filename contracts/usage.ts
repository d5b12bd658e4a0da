import { z } from 'zod';

/** Query of `GET /usage`: totals of calls that began in [from, to). */
export const usageQuerySchema = z.strictObject({
  group_by: z.enum(['model', 'agent', 'user', 'tool', 'hour', 'day']).default('model'),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  time_zone: z.string().max(100).default('UTC').describe('IANA zone of the hours and days'),
});

/** Totals of one group; `unknown_calls` had no figures, so sums are a lower bound when it is not 0. */
export const usageTotalSchema = z.strictObject({
  key: z.string().nullable().describe('Id of the model, agent or tool, external id of the user, or the hour or day'),
  name: z.string().nullable(),
  calls: z.int(),
  unknown_calls: z.int(),
  prompt_tokens: z.int(),
  completion_tokens: z.int(),
  total_tokens: z.int(),
  costs: z.array(z.strictObject({ currency: z.string(), amount: z.string() })).describe('Known costs by currency'),
});

/** Answer of `GET /usage`. */
export const usageSchema = z.strictObject({ group_by: z.string(), data: z.array(usageTotalSchema) });
