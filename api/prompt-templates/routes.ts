import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { checkTemplate } from '../../contracts/names/fill-template.ts';
import {
  createPromptTemplateSchema,
  promptTemplateSchema,
  updatePromptTemplateSchema,
} from '../../contracts/prompt-template.ts';
import { keepTemplateVersion } from '../../entities/agents/prompt-template-version-repository.ts';
import { Agent, AgentPromptTemplate, PromptTemplate } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';
import { lockTemplate, presentTemplate } from './present-template.ts';
import { promptTemplateVersionRoutes } from './version-routes.ts';

/** Routes of prompt templates and their versions. */
export const promptTemplateRoutes = [
  ...resourceRoutes({
    path: '/prompt-templates',
    tag: 'Prompt templates',
    noun: 'prompt template',
    entity: PromptTemplate,
    schema: promptTemplateSchema,
    createSchema: createPromptTemplateSchema,
    updateSchema: updatePromptTemplateSchema,
    examples: {
      create: {
        name: 'tone',
        type: 'system',
        template: 'You answer customers of {{company}}. Today is {{date}}.',
        variables: [{ name: 'company', type: 'string', default: 'Example Ltd' }],
      },
      update: { description: 'For short answers' },
    },
    present: async (rows) => rows.map(presentTemplate),
    create: async (body, { em, principal }) => {
      if (body.is_default) await requireNoOtherDefault(em, { type: body.type });
      const row = em.create(PromptTemplate, {
        id: uuidV7(),
        workspaceId: principal.workspaceId,
        name: body.name,
        description: body.description,
        template: body.template,
        variables: body.variables,
        type: body.type,
        isDefault: body.is_default,
      });
      await em.flush();
      await keepTemplateVersion(em, row.id);
      return row;
    },
    update: async (row, body, { em }) => {
      await lockTemplate(em, row);
      await keepTemplateVersion(em, row.id);
      const { template = row.template, variables = row.variables } = body;
      const changesText = template !== row.template || JSON.stringify(variables) !== JSON.stringify(row.variables);
      if (changesText) requireSound({ template, variables, type: row.type });
      if (body.is_default === true) await requireNoOtherDefault(em, row);
      em.assign(
        row,
        given({ name: body.name, description: body.description, template, variables, isDefault: body.is_default }),
      );
      if (changesText) row.version += 1;
      await em.flush();
      await keepTemplateVersion(em, row.id);
    },
    usedBy: async (row, em) => {
      const links = await em.find(AgentPromptTemplate, { promptTemplateId: row.id });
      const agent = await em.findOne(Agent, { id: { $in: links.map((link) => link.agentId) }, deletedAt: null });
      return agent && `the agent "${agent.name}"`;
    },
  }),
  ...promptTemplateVersionRoutes,
];

/** Says which template is in the way, which the index that keeps defaults apart does not. */
async function requireNoOtherDefault(
  em: EntityManager,
  { id, type }: { id?: string; type: PromptTemplate['type'] },
): Promise<void> {
  const other = await em.findOne(PromptTemplate, {
    type,
    isDefault: true,
    deletedAt: null,
    ...(id && { id: { $ne: id } }),
  });
  if (!other) return;
  throw new PerdureError(
    'conflict',
    `body.is_default: "${other.name}" is the default of the type ${type} already. Take that back first: ` +
      `PATCH /prompt-templates/${other.id} with {"is_default": false}.`,
  );
}

/** A change of the text alone may leave a variable without use: the template is checked as it would stand. */
function requireSound(template: Parameters<typeof checkTemplate>[0]): void {
  const errors = checkTemplate(template).map(({ path, message }) => ({ path: `body.${path}`, message }));
  const [first] = errors;
  if (first) throw new PerdureError('bad_request', `${first.path}: ${first.message}`, { errors });
}
