import type { EntityManager } from '@mikro-orm/postgresql';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import { toolSchema, toolVersionSchema, updateToolSchema } from '../../contracts/tool.ts';
import { findVersion, listVersions } from '../../entities/agents/version-repository.ts';
import { readCursor, sequenceCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { updateTool } from './configure-tool.ts';
import { presentTool, presentToolVersion } from './present-tool.ts';
import { requireTool } from './require-tool.ts';

const tag = 'Tools';

const list = defineRoute({
  method: 'GET',
  path: '/tools/{id}/versions',
  tag,
  summary: 'The versions of a tool, newest first',
  scope: 'configuration:read',
  params: idParamsSchema,
  query: pageQuerySchema,
  responses: { 200: pageOf(toolVersionSchema) },
  transaction: async (em, { params, query: { limit, cursor } }) => {
    await requireTool(em, params.id);
    const before = readCursor(cursor, sequenceCursor);
    const beforeVersion = before === null ? null : Number(before);
    const rows = await listVersions(em, 'tool', params.id, { beforeVersion, limit: limit + 1 });
    return { status: 200, body: toPage(rows, limit, (row) => row.version, presentToolVersion) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/tools/{id}/versions/{version}',
  tag,
  summary: 'One version of a tool, as it was',
  scope: 'configuration:read',
  params: versionParamsSchema,
  responses: { 200: toolVersionSchema },
  transaction: async (em, { params }) => ({ status: 200, body: presentToolVersion(await requireVersion(em, params)) }),
});

const restore = defineRoute({
  method: 'POST',
  path: '/tools/{id}/versions/{version}/restore',
  tag,
  summary: 'Make a tool again what it was with a version',
  description: 'Writes a new version with that configuration. The credentials stay what they are.',
  scope: 'configuration:write',
  params: versionParamsSchema,
  responses: { 200: toolSchema },
  transaction: async (em, { params, principal }, deps) => {
    const { snapshot } = await requireVersion(em, params);
    const tool = await requireTool(em, params.id);
    const { type, has_credentials: _, parameters, effect, idempotent, timeout_ms: timeout, ...rest } = snapshot;
    // What a built-in tool says of itself comes with its configuration.
    const ofApi = type === 'api' ? { parameters, effect, idempotent, timeout_ms: timeout } : {};
    const body = updateToolSchema.parse({ ...rest, ...ofApi });
    await updateTool({ em, deps, workspaceId: principal.workspaceId }, tool, body);
    await em.refresh(tool);
    return { status: 200, body: presentTool(tool) };
  },
});

/** Routes of a tool's versions. */
export const toolVersionRoutes = [list, get, restore];

async function requireVersion(em: EntityManager, { id, version }: { id: string; version: number }) {
  await requireTool(em, id);
  const row = await findVersion(em, 'tool', id, version);
  if (row === null) throw notFound('version');
  return row;
}
