import { createToolSchema, toolSchema, updateToolSchema } from '../../contracts/tool.ts';
import { Tool } from '../../entities/index.ts';
import { findAgentsWithTool } from '../framework/find-agents-with-tool.ts';
import { resourceRoutes } from '../framework/resource-routes.ts';
import { createTool, updateTool } from './configure-tool.ts';
import { importToolsRoute } from './import-route.ts';
import { presentTool } from './present-tool.ts';
import { testToolRoute } from './test-route.ts';
import { toolVersionRoutes } from './version-routes.ts';

/** Credentials are sealed at once and never shown; only their presence is. */
const configured = resourceRoutes({
  path: '/tools',
  tag: 'Tools',
  noun: 'tool',
  entity: Tool,
  schema: toolSchema,
  createSchema: createToolSchema,
  updateSchema: updateToolSchema,
  examples: {
    create: {
      type: 'api',
      name: 'order status',
      description: 'Tells where an order is. Use it when a customer asks for an order by its number.',
      configuration: { method: 'GET', url: 'https://api.example.com/orders/{order_id}' },
      parameters: {
        type: 'object',
        properties: { order_id: { type: 'string', description: 'Such as A-1042' } },
        required: ['order_id'],
      },
      credentials: { type: 'bearer', token: 'token-of-the-service' },
    },
    update: { timeout_ms: 10_000 },
  },
  present: async (rows) => rows.map(presentTool),
  create: (body, { em, deps, principal }) => createTool({ em, deps, workspaceId: principal.workspaceId }, body),
  update: (row, body, { em, deps, principal }) =>
    updateTool({ em, deps, workspaceId: principal.workspaceId }, row, body),
  usedBy: (row, em) => findAgentsWithTool(em, row.id),
});

/** Routes of tools. */
export const toolRoutes = [...configured, importToolsRoute, ...toolVersionRoutes, testToolRoute];
