import type { EntityManager } from '@mikro-orm/postgresql';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { promptTemplateSchema, promptTemplateVersionSchema } from '../../contracts/prompt-template.ts';
import { keepTemplateVersion } from '../../entities/agents/prompt-template-version-repository.ts';
import { PromptTemplate } from '../../entities/index.ts';
import { findVersion, listVersions } from '../../entities/agents/version-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { lockTemplate, presentTemplate, presentTemplateVersion } from './present-template.ts';

const tag = 'Prompt templates';

const list = defineRoute({
  method: 'GET',
  path: '/prompt-templates/{id}/versions',
  tag,
  summary: 'The versions of a prompt template, newest first',
  scope: 'configuration:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(promptTemplateVersionSchema) },
  transaction: async (em, { params, query: { limit, cursor } }) => {
    await requireTemplate(em, params.id);
    const before = readCursor(cursor, sequenceCursor);
    const beforeVersion = before === null ? null : Number(before);
    const rows = await listVersions(em, 'promptTemplate', params.id, { beforeVersion, limit: limit + 1 });
    return { status: 200, body: toPage(rows, limit, (row) => row.version, presentTemplateVersion) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/prompt-templates/{id}/versions/{version}',
  tag,
  summary: 'One version of a prompt template, as it was',
  scope: 'configuration:read',
  params: versionParamsSchema,
  responses: { 200: promptTemplateVersionSchema },
  transaction: async (em, { params }) => {
    await requireTemplate(em, params.id);
    return { status: 200, body: presentTemplateVersion(await requireVersion(em, params)) };
  },
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
    const { snapshot } = await requireVersion(em, params);
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
export const promptTemplateVersionRoutes = [list, get, restore];

async function requireTemplate(em: EntityManager, id: string): Promise<PromptTemplate> {
  const row = await em.findOne(PromptTemplate, { id, deletedAt: null });
  if (row === null) throw notFound('prompt template');
  return row;
}

async function requireVersion(em: EntityManager, { id, version }: { id: string; version: number }) {
  const row = await findVersion(em, 'promptTemplate', id, version);
  if (row === null) throw notFound('version');
  return row;
}
