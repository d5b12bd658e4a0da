import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

const mostNames = 1000;
const names = new Map<string, string>();

/**
 * Runs one parameterised statement (`$1`, `$2`, …; arrays go to `unnest($1::text[])`) on the entity manager's transaction
 * and returns its rows. The ORM's own `execute` would write the values into the text, which is slow for bulk rows and
 * keeps PostgreSQL from reusing a plan.
 */
export async function query<Row = Record<string, unknown>>(
  em: EntityManager,
  text: string,
  parameters: readonly unknown[] = [],
): Promise<Row[]> {
  // A text that is put together from many parts could have any number of forms, each of which would stay in the server.
  if (!names.has(text) && names.size < mostNames) names.set(text, `perdure_${names.size}`);
  const result = await em.getKysely().executeQuery(CompiledQuery.raw(text, [...parameters]));
  return result.rows as Row[];
}

/** The name under which a connection prepares a statement of `query`; undefined for any other text. */
export function statementName(text: string): string | undefined {
  return names.get(text);
}
