import { z } from 'zod';
import { defaultRetention, type RetentionPolicy } from '../contracts/names/retention.ts';

const days = z.int().min(1).max(36_500);
// Budgets sum up the calls of a whole month, and months begin in any time zone.
const daysOfUsage = days.min(32, 'must be at least 32, since budgets sum up a month');
const given = z.strictObject(
  Object.fromEntries(
    Object.entries(defaultRetention).map(([kind, kept]) => [
      kind,
      (kind === 'usage_rows' ? daysOfUsage : days).nullable().default(kept),
    ]),
  ),
);

/**
 * Reads how long things are kept: a JSON object from kinds to days, null for ever; what is left out has its default.
 * @throws Error saying what is wrong with it.
 */
export function readRetention(text: string): RetentionPolicy {
  let json: unknown;
  try {
    json = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new Error('must be a JSON object, such as {"turn_events": 90, "audit_log": null}');
  }
  const parsed = given.safeParse(json);
  if (parsed.success) return parsed.data as RetentionPolicy;
  throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
}
