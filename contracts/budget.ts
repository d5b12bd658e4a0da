import { z } from 'zod';
import { idField, nameField, timeField, timestampFields, userField } from './fields.ts';

const timeZones = new Set(['UTC', ...Intl.supportedValuesOf('timeZone')]);

const onExceeded = z
  .enum(['notify', 'refuse'])
  .describe(
    'refuse: no call of a model is made that may cost more than is left, and no turn begins once all is used up, until ' +
      'the month is over or the amount is raised; notify: webhooks are told and that is all',
  );

/** Path parameters of a budget. */
export const budgetParamsSchema = z.strictObject({ name: nameField });

/** What a workspace, an agent or a user may cost in a calendar month, and what it has cost so far. */
export const budgetSchema = z.strictObject({
  id: idField,
  name: z.string(),
  amount: z.string(),
  currency: z.string(),
  agent_id: idField.nullable(),
  user: z.string().nullable(),
  time_zone: z.string(),
  on_exceeded: onExceeded,
  spent: z.string().describe('Of the calls that began in this month, as summed up at `looked_at`'),
  held: z
    .string()
    .describe('What calls that are under way, and calls of unknown cost, may cost at most; only where it refuses'),
  unknown_calls: z
    .int()
    .describe('Calls of the month with unknown cost or in another currency; `spent` is without them'),
  period_start: timeField.nullable(),
  period_end: timeField.nullable(),
  warned_at: timeField.nullable().describe('When 80 per cent were seen to be reached'),
  exceeded_at: timeField.nullable().describe('When all of it was seen to be used up'),
  refused_at: timeField.nullable().describe('When a call was last refused, because it might cost more than is left'),
  looked_at: timeField.nullable(),
  warnings: z
    .array(z.strictObject({ code: z.enum(['models_without_price', 'models_in_other_currency']), detail: z.string() }))
    .describe('What it cannot count, and so does not refuse'),
  ...timestampFields,
});

export type Budget = z.infer<typeof budgetSchema>;

/** Answer of `GET /budgets`: all of them, by name. */
export const budgetListSchema = z.strictObject({ data: z.array(budgetSchema) });

/** Body of `PUT /budgets/{name}`. */
export const putBudgetSchema = z.strictObject({
  amount: z.number().positive().max(1e9).describe('Of a month'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a code of three letters, as in the pricing of models')
    .default('USD'),
  agent: nameField.nullable().default(null).describe('Count the turns of this agent alone, by name or id'),
  user: userField.nullable().default(null).describe('Count the turns of this user alone'),
  time_zone: z
    .string()
    .refine((name) => timeZones.has(name), 'is not the name of an IANA time zone, such as Europe/Zurich')
    .default('UTC')
    .describe('IANA zone in which months begin'),
  on_exceeded: onExceeded.default('notify'),
});
