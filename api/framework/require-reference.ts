import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import type { NamedTable } from '../../entities/agents/named-resource-repository.ts';

const nouns: Record<NamedTable, string> = {
  agents: 'agent',
  models: 'model',
  prompt_templates: 'prompt template',
  knowledge_sources: 'knowledge source',
  rag_tools: 'RAG tool',
  retrieval_tools: 'retrieval tool',
  tools: 'tool',
};

/**
 * The id of what a request's field refers to by name or id.
 * @throws PerdureError `unknown_model` for a model, else `bad_request`, naming the field.
 */
export async function requireReference(
  em: EntityManager,
  table: NamedTable,
  path: string,
  nameOrId: string,
): Promise<string> {
  const id = await findNamedId(em, table, nameOrId);
  if (id !== null) return id;
  throw unknownReference(table, path, nameOrId);
}

/** What is thrown when a request's field refers to nothing. */
export function unknownReference(table: NamedTable, path: string, nameOrId: string): PerdureError {
  const message = `there is no ${nouns[table]} "${nameOrId}" in this workspace`;
  return new PerdureError(table === 'models' ? 'unknown_model' : 'bad_request', `${path}: ${message}`, {
    errors: [{ path, message }],
  });
}
