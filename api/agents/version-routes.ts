import type { EntityManager } from '@mikro-orm/postgresql';
import { agentSchema, agentVersionSchema } from '../../contracts/agent.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { keepAgentVersion, readAgents } from '../../entities/agents/agent-version-repository.ts';
import { Agent } from '../../entities/index.ts';
import { findVersion, listVersions } from '../../entities/agents/version-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { configureAgent, lockAgent } from './configure-agent.ts';
import { presentAgentVersion, presentConfiguration } from './present-agent.ts';

const tag = 'Agents';

const list = defineRoute({
  method: 'GET',
  path: '/agents/{id}/versions',
  tag,
  summary: 'The versions of an agent, newest first',
  scope: 'configuration:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(agentVersionSchema) },
  transaction: async (em, { params, query: { limit, cursor } }) => {
    await requireAgent(em, params.id);
    const before = readCursor(cursor, sequenceCursor);
    const beforeVersion = before === null ? null : Number(before);
    const rows = await listVersions(em, 'agent', params.id, { beforeVersion, limit: limit + 1 });
    return { status: 200, body: toPage(rows, limit, (row) => row.version, presentAgentVersion) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/agents/{id}/versions/{version}',
  tag,
  summary: 'One version of an agent, as it was',
  scope: 'configuration:read',
  params: versionParamsSchema,
  responses: { 200: agentVersionSchema },
  transaction: async (em, { params }) => {
    await requireAgent(em, params.id);
    return { status: 200, body: presentAgentVersion(await requireVersion(em, params)) };
  },
});

const restore = defineRoute({
  method: 'POST',
  path: '/agents/{id}/versions/{version}/restore',
  tag,
  summary: 'Make an agent again what it was with a version',
  description: 'Writes a new version with that configuration. What it refers to must still be there.',
  scope: 'configuration:write',
  params: versionParamsSchema,
  responses: { 200: agentSchema },
  transaction: async (em, { params }) => {
    const agent = await requireAgent(em, params.id);
    await lockAgent(em, agent);
    const { snapshot } = await requireVersion(em, params);
    await keepAgentVersion(em, agent.id);
    agent.version += 1;
    const { model_id: model, ...configuration } = presentConfiguration(snapshot);
    await configureAgent(em, agent, { ...configuration, model }, `version ${params.version}`);
    await em.refresh(agent);
    const now = (await readAgents(em, [agent.id])).get(agent.id)!;
    const { id, version, createdAt, updatedAt } = agent;
    const times = { created_at: presentTime(createdAt), updated_at: presentTime(updatedAt) };
    return { status: 200, body: { id, ...presentConfiguration(now), version, ...times } };
  },
});

/** Routes of an agent's versions. */
export const agentVersionRoutes = [list, get, restore];

async function requireAgent(em: EntityManager, id: string): Promise<Agent> {
  const agent = await em.findOne(Agent, { id, deletedAt: null });
  if (agent === null) throw notFound('agent');
  return agent;
}

async function requireVersion(em: EntityManager, { id, version }: { id: string; version: number }) {
  const row = await findVersion(em, 'agent', id, version);
  if (row === null) throw notFound('version');
  return row;
}
