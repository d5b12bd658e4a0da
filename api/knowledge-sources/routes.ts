import {
  createKnowledgeSourceSchema,
  knowledgeSourceSchema,
  updateKnowledgeSourceSchema,
} from '../../contracts/knowledge-source.ts';
import { Document, KnowledgeSource, RagTool, RetrievalTool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';

/** Routes of knowledge sources. A connection string is sealed at once and never shown; only its presence is. */
export const knowledgeSourceRoutes = resourceRoutes({
  path: '/knowledge-sources',
  tag: 'Knowledge sources',
  noun: 'knowledge source',
  entity: KnowledgeSource,
  schema: knowledgeSourceSchema,
  createSchema: createKnowledgeSourceSchema,
  updateSchema: updateKnowledgeSourceSchema,
  examples: {
    create: { name: 'handbook', type: 'upload' },
    update: { name: 'staff handbook' },
  },
  present: async (rows) =>
    rows.map((row) => ({
      id: row.id,
      name: row.name,
      type: row.type,
      has_connection_string: row.connectionString != null,
      configuration: row.configuration,
      status: row.status,
      last_sync: presentOptionalTime(row.lastSync ?? null),
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    })),
  create: async (body, { em, deps, principal }) =>
    em.create(KnowledgeSource, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      type: body.type,
      connectionString: body.connection_string === null ? null : deps.seal(body.connection_string),
      configuration: body.configuration,
    }),
  update: async (row, body, { em, deps }) => {
    const { connection_string: connection } = body;
    em.assign(
      row,
      given({
        name: body.name,
        configuration: body.configuration,
        connectionString: connection === undefined || connection === null ? connection : deps.seal(connection),
      }),
      { mergeObjectProperties: false },
    );
  },
  usedBy: async (row, em) => {
    const used = { knowledgeSourceId: row.id, deletedAt: null };
    const tool = (await em.findOne(RagTool, used)) ?? (await em.findOne(RetrievalTool, used));
    if (tool) return `the tool "${tool.name}"`;
    const count = await em.count(Document, used);
    return count === 0 ? null : `${count} document(s)`;
  },
});
