import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';

/** A part of a request, as a mistake's path names it. */
type RequestPart = 'path' | 'query' | 'body' | `body.${string}`;

/**
 * Parses one part of a request by its schema; without a schema the part must be empty.
 * @throws PerdureError `bad_request` that lists every mistake with its path.
 */
export function validatePart<Value>(part: RequestPart, schema: z.ZodType<Value> | undefined, value: unknown): Value {
  if (!schema) {
    if (part === 'query' && Object.keys(value as object).length > 0)
      throw invalid([{ path: `query.${Object.keys(value as object)[0]}`, message: 'this address takes no query' }]);
    return undefined as Value;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(
    parsed.error.issues.map((issue) => ({
      path: [part, ...issue.path.map(String)].join('.'),
      message: issue.message,
    })),
  );
}

function invalid(errors: Array<{ path: string; message: string }>): PerdureError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see errors)` : '';
  return new PerdureError('bad_request', `${first!.path}: ${first!.message}${more}`, { errors });
}

/** Parses path parameters: one that cannot name anything is a resource that does not exist. */
export function validateParams<Value>(schema: z.ZodType<Value> | undefined, params: unknown): Value {
  if (!schema) return undefined as Value;
  const parsed = schema.safeParse(params);
  if (parsed.success) return parsed.data;
  throw notFound();
}

/** The answer for whatever does not exist, was deleted, or belongs to another workspace: nobody can tell which. */
export function notFound(what = 'resource'): PerdureError {
  return new PerdureError('not_found', `There is no such ${what} in this workspace.`);
}
