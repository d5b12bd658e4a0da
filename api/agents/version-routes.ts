import type { EntityManager } from '@mikro-orm/postgresql';
import { agentSchema, agentVersionSchema } from '../../contracts/agent.ts';
import { keepAgentVersion, readAgents } from '../../entities/agents/agent-version-repository.ts';
import { Agent } from '../../entities/index.ts';
import { presentTime } from '../framework/present-time.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { requireVersion, versionRoutes } from '../framework/version-routes.ts';
import { configureAgent, lockAgent } from './configure-agent.ts';
import { presentAgentVersion, presentConfiguration } from './present-agent.ts';

const tag = 'Agents';

const reading = versionRoutes({
  path: '/agents',
  tag,
  noun: 'an agent',
  kind: 'agent',
  schema: agentVersionSchema,
  present: presentAgentVersion,
  requireOwner: requireAgent,
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
    const { snapshot } = await requireVersion(em, 'agent', params);
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
export const agentVersionRoutes = [...reading, restore];

async function requireAgent(em: EntityManager, id: string): Promise<Agent> {
  const agent = await em.findOne(Agent, { id, deletedAt: null });
  if (agent === null) throw notFound('agent');
  return agent;
}
