import { createHash } from 'node:crypto';

/**
 * What of a source's settings, beside an item's version, its document was made of: when it changes, an unchanged item is
 * handed over again. The schedule and the guard against removals make no difference.
 */
export function settingsHash(configuration: Record<string, unknown>, chunks: Record<string, unknown>): Buffer {
  const { schedule: _schedule, largest_removal: _removal, ...rest } = configuration;
  return createHash('sha256')
    .update(JSON.stringify([sorted(rest), sorted(chunks)]))
    .digest();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
