import type { EntityManager } from '@mikro-orm/postgresql';
import {
  createRetrievalToolSchema,
  retrievalToolSchema,
  updateRetrievalToolSchema,
} from '../../contracts/retrieval-tool.ts';
import { RetrievalTool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { requireFilter } from '../../retrieval/require-filter.ts';
import { findAgentsWithTool } from '../framework/find-agents-with-tool.ts';
import { presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';

/** Routes of retrieval tools. */
export const retrievalToolRoutes = resourceRoutes({
  path: '/retrieval-tools',
  tag: 'Retrieval tools',
  noun: 'retrieval tool',
  entity: RetrievalTool,
  schema: retrievalToolSchema,
  createSchema: createRetrievalToolSchema,
  updateSchema: updateRetrievalToolSchema,
  examples: {
    create: { name: 'exact words', retrieval_strategy: 'text', filters: { 'metadata.department': 'legal' } },
    update: { description: 'Finds words as they are written' },
  },
  present: async (rows) =>
    rows.map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      knowledge_source_id: row.knowledgeSourceId ?? null,
      retrieval_strategy: row.retrievalStrategy,
      filters: row.filters,
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    })),
  create: async (body, { em, principal }) =>
    em.create(RetrievalTool, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      description: body.description,
      knowledgeSourceId: await sourceOf(em, body.knowledge_source),
      retrievalStrategy: body.retrieval_strategy,
      filters: requireFilter(body.filters, 'body.filters'),
    }),
  update: async (row, body, { em }) => {
    em.assign(
      row,
      given({
        name: body.name,
        description: body.description,
        knowledgeSourceId: body.knowledge_source === undefined ? undefined : await sourceOf(em, body.knowledge_source),
        retrievalStrategy: body.retrieval_strategy,
        filters: body.filters === undefined ? undefined : requireFilter(body.filters, 'body.filters'),
      }),
      { mergeObjectProperties: false },
    );
  },
  usedBy: (row, em) => findAgentsWithTool(em, row.id),
});

async function sourceOf(em: EntityManager, nameOrId: string | null): Promise<string | null> {
  return nameOrId === null ? null : requireReference(em, 'knowledge_sources', 'body.knowledge_source', nameOrId);
}
