import type { EntityManager } from '@mikro-orm/postgresql';
import { KnowledgeSource } from '../../entities/index.ts';
import { notFound } from '../framework/validate-request.ts';

/**
 * A source of the workspace that was not deleted.
 * @throws PerdureError `not_found`
 */
export async function requireSource(em: EntityManager, id: string): Promise<KnowledgeSource> {
  const source = await em.findOne(KnowledgeSource, { id, deletedAt: null });
  if (!source) throw notFound('knowledge source');
  return source;
}
