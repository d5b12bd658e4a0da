import type { EntityManager } from '@mikro-orm/postgresql';
import { promptTemplateSchema, promptTemplateVersionSchema } from '../../contracts/prompt-template.ts';
import { keepTemplateVersion } from '../../entities/agents/prompt-template-version-repository.ts';
import { PromptTemplate } from '../../entities/index.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { requireVersion, versionRoutes } from '../framework/version-routes.ts';
import { lockTemplate, presentTemplate, presentTemplateVersion } from './present-template.ts';

const tag = 'Prompt templates';

const reading = versionRoutes({
  path: '/prompt-templates',
  tag,
  noun: 'a prompt template',
  kind: 'promptTemplate',
  schema: promptTemplateVersionSchema,
  present: presentTemplateVersion,
  requireOwner: requireTemplate,
});

const restore = defineRoute({
  method: 'POST',
  path: '/prompt-templates/{id}/versions/{version}/restore',
  tag,
  summary: 'Make a prompt template again what it was with a version',
  description: 'Writes a new version with that text and those variables; the name stays.',
  scope: 'configuration:write',
  params: versionParamsSchema,
  responses: { 200: promptTemplateSchema },
  transaction: async (em, { params }) => {
    const row = await requireTemplate(em, params.id);
    await lockTemplate(em, row);
    const { snapshot } = await requireVersion(em, 'promptTemplate', params);
    await keepTemplateVersion(em, row.id);
    row.template = snapshot.template;
    row.variables = snapshot.variables;
    row.version += 1;
    await em.flush();
    await keepTemplateVersion(em, row.id);
    await em.refresh(row);
    return { status: 200, body: presentTemplate(row) };
  },
});

/** Routes of a prompt template's versions. */
export const promptTemplateVersionRoutes = [...reading, restore];

async function requireTemplate(em: EntityManager, id: string): Promise<PromptTemplate> {
  const row = await em.findOne(PromptTemplate, { id, deletedAt: null });
  if (row === null) throw notFound('prompt template');
  return row;
}
