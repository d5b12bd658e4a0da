import type { EntityManager } from '@mikro-orm/postgresql';
import { Tool } from '../../entities/index.ts';
import { notFound } from '../framework/validate-request.ts';

/** The tool with this id. @throws PerdureError `not_found` */
export async function requireTool(em: EntityManager, id: string): Promise<Tool> {
  const tool = await em.findOne(Tool, { id, deletedAt: null });
  if (tool === null) throw notFound('tool');
  return tool;
}
