import { PerdureError } from '../contracts/errors.ts';
import { findFilterMistakes } from '../contracts/search-filter.ts';
import type { SearchFilter } from '../contracts/search-filter.ts';

/**
 * The filter, once every part of it is known to be right.
 * @throws PerdureError `invalid_filter` that lists each mistake with its path.
 */
export function requireFilter(filter: SearchFilter, path: string): SearchFilter {
  const mistakes = findFilterMistakes(filter, path);
  const [first] = mistakes;
  if (first === undefined) return filter;
  const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more, see errors)` : '';
  throw new PerdureError('invalid_filter', `${first.path}: ${first.message}${more}`, { errors: mistakes });
}
