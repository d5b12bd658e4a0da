import { toolSchema, toolVersionSchema, updateToolSchema } from '../../contracts/tool.ts';
import { defineRoute } from '../framework/route.ts';
import { versionParamsSchema } from '../framework/version-params.ts';
import { requireVersion, versionRoutes } from '../framework/version-routes.ts';
import { updateTool } from './configure-tool.ts';
import { presentTool, presentToolVersion } from './present-tool.ts';
import { requireTool } from './require-tool.ts';

const tag = 'Tools';

const reading = versionRoutes({
  path: '/tools',
  tag,
  noun: 'a tool',
  kind: 'tool',
  schema: toolVersionSchema,
  present: presentToolVersion,
  requireOwner: requireTool,
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
    const tool = await requireTool(em, params.id);
    const { snapshot } = await requireVersion(em, 'tool', params);
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
export const toolVersionRoutes = [...reading, restore];
