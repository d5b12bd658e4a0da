import { PerdureError } from '../../contracts/errors.ts';
import { usageQuerySchema, usageSchema } from '../../contracts/usage.ts';
import { sumUsage } from '../../entities/usage/usage-repository.ts';
import { defineRoute } from '../framework/route.ts';

/** Routes of usage. */
export const usageRoutes = [
  defineRoute({
    method: 'GET',
    path: '/usage',
    tag: 'Usage',
    summary: 'Tokens and cost of model calls by model, agent, user, tool, hour or day',
    description:
      'A call is counted from the moment it begins. Calls without figures (a crash, a provider that reports none) are ' +
      'counted in unknown_calls and add nothing to the sums. `key` is null for calls that have no agent, user or tool. Of calls whose single rows are no longer kept, the sums of ' +
      'their hours are shown, in which an hour begins when it does in UTC.',
    scope: 'usage:read',
    query: usageQuerySchema,
    responses: { 200: usageSchema },
    transaction: async (em, { query }) => {
      requireTimeZone(query.time_zone);
      const data = await sumUsage(em, {
        groupBy: query.group_by,
        from: query.from ?? null,
        to: query.to ?? null,
        timeZone: query.time_zone,
      });
      return { status: 200, body: { group_by: query.group_by, data } };
    },
  }),
];

function requireTimeZone(timeZone: string): void {
  // Names alone: PostgreSQL would also take offsets, with the sign the other way round than most people expect.
  if (timeZone === 'UTC' || Intl.supportedValuesOf('timeZone').includes(timeZone)) return;
  const message = `"${timeZone}" is not the name of an IANA time zone, such as Europe/Zurich`;
  throw new PerdureError('bad_request', `query.time_zone: ${message}`, {
    errors: [{ path: 'query.time_zone', message }],
  });
}
