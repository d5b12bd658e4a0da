import { agentSchema, createAgentSchema, updateAgentSchema } from '../../contracts/agent.ts';
import { keepAgentVersion, readAgents } from '../../entities/agents/agent-version-repository.ts';
import { Agent, Conversation } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentTime } from '../framework/present-time.ts';
import { resourceRoutes } from '../framework/resource-routes.ts';
import { configureAgent, lockAgent, requireChatModel } from './configure-agent.ts';
import { presentConfiguration } from './present-agent.ts';
import { agentVersionRoutes } from './version-routes.ts';

/** Routes of agents and their versions. */
export const agentRoutes = [
  ...resourceRoutes({
    path: '/agents',
    tag: 'Agents',
    noun: 'agent',
    entity: Agent,
    schema: agentSchema,
    createSchema: createAgentSchema,
    updateSchema: updateAgentSchema,
    examples: {
      create: { name: 'support', model: 'extractive', system_prompt: 'Answer briefly.' },
      update: { temperature: 0.2 },
    },
    present: async (rows, em) => {
      const snapshots = await readAgents(
        em,
        rows.map((row) => row.id),
      );
      return rows.map((row) => ({
        id: row.id,
        ...presentConfiguration(snapshots.get(row.id)!),
        version: row.version,
        created_at: presentTime(row.createdAt),
        updated_at: presentTime(row.updatedAt),
      }));
    },
    create: async (body, { em, principal }) => {
      const modelId = await requireChatModel(em, 'body.model', body.model);
      const agent = em.create(Agent, { id: uuidV7(), workspaceId: principal.workspaceId, name: body.name, modelId });
      await configureAgent(em, agent, body, 'body');
      return agent;
    },
    update: async (row, body, { em }) => {
      await lockAgent(em, row);
      await keepAgentVersion(em, row.id);
      row.version += 1;
      await configureAgent(em, row, body, 'body');
    },
    usedBy: async (row, em) => {
      const count = await em.count(Conversation, { agentId: row.id, deletedAt: null, isArchived: false });
      return count === 0 ? null : `${count} conversation(s) that are not archived`;
    },
  }),
  ...agentVersionRoutes,
];
