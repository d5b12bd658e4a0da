import {
  createPromptTemplateSchema,
  promptTemplateSchema,
  updatePromptTemplateSchema,
} from '../../contracts/prompt-template.ts';
import { Agent, AgentPromptTemplate, PromptTemplate } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentTime } from '../framework/present-time.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';

/** Routes of prompt templates. */
export const promptTemplateRoutes = resourceRoutes({
  path: '/prompt-templates',
  tag: 'Prompt templates',
  noun: 'prompt template',
  entity: PromptTemplate,
  schema: promptTemplateSchema,
  createSchema: createPromptTemplateSchema,
  updateSchema: updatePromptTemplateSchema,
  examples: {
    create: { name: 'brief', type: 'system', template: 'Answer {{question}} briefly.', variables: ['question'] },
    update: { description: 'For short answers' },
  },
  present: async (rows) =>
    rows.map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      template: row.template,
      variables: row.variables,
      type: row.type,
      is_default: row.isDefault,
      version: row.version,
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    })),
  create: async (body, { em, principal }) =>
    em.create(PromptTemplate, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      description: body.description,
      template: body.template,
      variables: body.variables,
      type: body.type,
      isDefault: body.is_default,
    }),
  update: async (row, body, { em }) => {
    const changesText = body.template !== undefined && body.template !== row.template;
    em.assign(
      row,
      given({
        name: body.name,
        description: body.description,
        template: body.template,
        variables: body.variables,
        isDefault: body.is_default,
      }),
    );
    if (changesText) row.version += 1;
  },
  usedBy: async (row, em) => {
    const links = await em.find(AgentPromptTemplate, { promptTemplateId: row.id });
    const agent = await em.findOne(Agent, { id: { $in: links.map((link) => link.agentId) }, deletedAt: null });
    return agent && `the agent "${agent.name}"`;
  },
});
