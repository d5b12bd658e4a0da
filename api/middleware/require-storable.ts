import { PerdureError } from '../../contracts/errors.ts';

/** Deeper JSON than this has no use here, and would overflow the stack of whatever walks it by recursion. */
const deepest = 64;

/**
 * Refuses parsed JSON that no column can hold: half of a surrogate pair in a text, or nesting without end. Walks with a
 * stack of its own.
 * @throws PerdureError `bad_request`
 */
export function requireStorable(value: unknown): void {
  const waiting: Array<{ value: unknown; depth: number }> = [{ value, depth: 0 }];
  for (let item = waiting.pop(); item; item = waiting.pop()) {
    const { value: part, depth } = item;
    if (typeof part === 'string') requireWellFormed(part);
    if (typeof part !== 'object' || part === null) continue;
    if (depth === deepest) throw refuse(`is nested deeper than ${deepest} levels`);
    if (!Array.isArray(part)) Object.keys(part).forEach(requireWellFormed);
    for (const inner of Object.values(part)) waiting.push({ value: inner, depth: depth + 1 });
  }
}

function requireWellFormed(text: string): void {
  if (!text.isWellFormed()) throw refuse('holds half of a surrogate pair (a lone \\ud800 to \\udfff)');
}

function refuse(message: string): PerdureError {
  return new PerdureError('bad_request', `body: ${message}`, { errors: [{ path: 'body', message }] });
}
