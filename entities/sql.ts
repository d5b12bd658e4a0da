import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';

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
  const result = await em.getKysely().executeQuery(CompiledQuery.raw(text, [...parameters]));
  return result.rows as Row[];
}
