import {
  createKnowledgeSourceSchema,
  knowledgeSourceSchema,
  updateKnowledgeSourceSchema,
} from '../../contracts/knowledge-source.ts';
import { sourceConfigurationSchemas } from '../../contracts/source-configuration.ts';
import { KnowledgeSource } from '../../entities/index.ts';
import { readSourceStates } from '../../entities/sources/source-state-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';
import type { Route } from '../framework/route.ts';
import { validatePart } from '../framework/validate-request.ts';
import { applySchedule } from './apply-schedule.ts';
import { deleteSourceRoute } from './delete-route.ts';
import { presentSync } from './present-sync.ts';
import { sourceSyncRoutes } from './sync-routes.ts';

/** A connection string is sealed at once and never shown; only its presence is. */
const configured = resourceRoutes({
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
  present: async (rows, em) => {
    const states = await readSourceStates(
      em,
      rows.map((row) => ({ id: row.id, isPaused: row.status === 'paused' })),
    );
    return rows.map((row, index) => ({
      id: row.id,
      name: row.name,
      type: row.type,
      has_connection_string: row.connectionString != null,
      language: row.language ?? null,
      configuration: row.configuration,
      status: states[index]!.status,
      documents: states[index]!.documents,
      sync: states[index]!.sync && presentSync(states[index]!.sync),
      last_sync: presentOptionalTime(row.lastSync ?? null),
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    }));
  },
  create: async (body, { em, deps, principal }) =>
    em.create(KnowledgeSource, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      type: body.type,
      connectionString: body.connection_string === null ? null : deps.seal(body.connection_string),
      configuration: body.configuration,
      language: body.language,
    }),
  update: async (row, body, { em, deps }) => {
    const { connection_string: connection, configuration, paused } = body;
    const schema = sourceConfigurationSchemas[row.type];
    em.assign(
      row,
      given({
        name: body.name,
        language: body.language,
        configuration: configuration && validatePart('body.configuration', schema, configuration),
        connectionString: connection === undefined || connection === null ? connection : deps.seal(connection),
        status: paused === undefined ? undefined : paused ? ('paused' as const) : ('ready' as const),
      }),
      { mergeObjectProperties: false },
    );
  },
  // The route for it is replaced below: a source goes with its documents.
  usedBy: async () => null,
});

/** A source that was made or changed brings its schedule to Temporal. */
function withSchedule(route: Route): Route {
  if (route.method === 'GET' || !('transaction' in route)) return route;
  return {
    ...route,
    afterCommit: async (reply, { principal }, deps) => {
      const { id } = knowledgeSourceSchema.parse(reply.body);
      await applySchedule(deps, { workspaceId: principal.workspaceId, knowledgeSourceId: id });
    },
  };
}

/** Routes of knowledge sources. */
export const knowledgeSourceRoutes = [
  ...configured.filter(({ method }) => method !== 'DELETE').map(withSchedule),
  deleteSourceRoute,
  ...sourceSyncRoutes,
];
