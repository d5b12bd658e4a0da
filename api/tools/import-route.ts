import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import { apiToolConfigurationSchema } from '../../contracts/tool-configuration.ts';
import { createToolSchema, importToolsSchema, toolsImportedSchema, type ImportTools } from '../../contracts/tool.ts';
import { Tool } from '../../entities/index.ts';
import type { OperationTool } from '../../providers/tool-workshop.ts';
import type { ApiDeps } from '../api-deps.ts';
import { defineRoute } from '../framework/route.ts';
import { requireStorable } from '../middleware/require-storable.ts';
import { createTool, updateTool, usualApproval } from './configure-tool.ts';

const mostTools = 200;
const longestName = 200;

type Imported = z.input<typeof toolsImportedSchema>;
type Context = { em: EntityManager; deps: ApiDeps; workspaceId: string };

/** Makes tools of the operations of an OpenAPI document. */
export const importToolsRoute = defineRoute({
  method: 'POST',
  path: '/tools/import',
  tag: 'Tools',
  summary: 'Make tools of the operations of an OpenAPI document',
  description:
    'Reads OpenAPI 3.0 and 3.1, JSON or YAML; references must stay inside of the document. All tools are made or none; ' +
    'operations that cannot be called from here are skipped with a reason. Those that write ask a person before each call ' +
    'unless `approval` says otherwise.',
  scope: 'configuration:write',
  body: importToolsSchema,
  maxBodyBytes: 10 * 1024 * 1024,
  idempotent: true,
  example: {
    dry_run: true,
    document: {
      openapi: '3.1.0',
      info: { title: 'Orders', version: '1' },
      servers: [{ url: 'https://api.example.com/v1' }],
      paths: {
        '/orders/{id}': {
          get: {
            summary: 'Where an order is',
            parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
            responses: { 200: { description: 'The order' } },
          },
        },
      },
    },
  },
  responses: { 200: toolsImportedSchema },
  problems: [409, 422, 502, 504],
  handle: async ({ body, principal }, deps) => {
    const { title, tools, skipped } = await readTools(deps, body);
    const made = await deps.database.inWorkspace(principal.workspaceId, (em) =>
      writeTools({ em, deps, workspaceId: principal.workspaceId }, body, tools),
    );
    const warnings = tools.flatMap(({ operation, warnings: details }) =>
      details
        .filter((detail) => body.credentials === null || !detail.startsWith('it asks for credentials'))
        .map((detail) => ({ operation, detail })),
    );
    return { status: 200, body: { title, tools: made, skipped, warnings } };
  },
});

async function readTools(deps: ApiDeps, body: ImportTools) {
  const text = body.document ?? (await deps.tools.fetchOpenApi(body.url!));
  const { title, tools, skipped, unknown } = deps.tools.readOpenApi(text, {
    wanted: body.operations ?? null,
    server: body.server?.replace(/\/$/, '') ?? null,
    documentUrl: body.url ?? null,
  });
  if (unknown.length > 0) throw refuse('operations', `the document has no operation "${unknown[0]}"`);
  if (tools.length > mostTools)
    throw refuse('operations', `the document has ${tools.length} operations; choose up to ${mostTools} of them`);
  const working: OperationTool[] = [];
  const left = [...skipped];
  for (const given of tools) {
    const tool = { ...given, name: `${body.name_prefix}${given.name}`.slice(0, longestName) };
    const mistake = mistakeOf(deps, body, tool);
    if (mistake === null) working.push(tool);
    else left.push({ operation: tool.operation, reason: mistake });
  }
  const twice = working.find(({ name }, index) => working.findIndex((tool) => tool.name === name) < index);
  if (twice) throw refuse('document', `two of its operations are named "${twice.name}"; choose one by "METHOD /path"`);
  requireStorable(working);
  return { title, tools: working, skipped: left };
}

function mistakeOf(deps: ApiDeps, body: ImportTools, tool: OperationTool): string | null {
  const configuration = apiToolConfigurationSchema.safeParse(tool.configuration);
  if (!configuration.success) {
    const [issue] = configuration.error.issues;
    return `${issue!.path.join('.')} ${issue!.message}`;
  }
  const [mistake] = deps.tools.findToolMistakes({
    type: 'api',
    configuration: configuration.data,
    parameters: tool.parameters,
    effect: tool.effect,
    approval: { mode: 'never' },
    credentials: body.credentials,
  });
  return mistake ? `${mistake.path} ${mistake.message}` : null;
}

async function writeTools(context: Context, body: ImportTools, tools: OperationTool[]): Promise<Imported['tools']> {
  const existing = await context.em.find(Tool, { name: { $in: tools.map(({ name }) => name) }, deletedAt: null });
  const builtin = existing.find(({ type }) => type === 'builtin');
  if (existing.length > 0 && (body.existing === 'refuse' || builtin))
    throw new PerdureError(
      'conflict',
      `There is a tool "${(builtin ?? existing[0]!).name}" already. Give a name_prefix, or existing: "update" to make it a new version.`,
    );
  const made: Imported['tools'] = [];
  for (const tool of tools) {
    const former = existing.find(({ name }) => name === tool.name);
    const outcome = body.dry_run ? (former ? 'would_update' : 'would_create') : former ? 'updated' : 'created';
    const row = body.dry_run ? former : await writeTool(context, body, tool, former);
    const { name, operation, effect } = tool;
    made.push({ id: row?.id ?? null, name, operation, effect, outcome });
  }
  return made;
}

async function writeTool(context: Context, body: ImportTools, tool: OperationTool, former?: Tool): Promise<Tool> {
  const { name, description, configuration, parameters, effect } = tool;
  const declared = { description, configuration, parameters, effect };
  if (former) {
    // What people have decided about a tool stays: approval, bounds, whether it may be repeated.
    const credentials = body.credentials === null ? {} : { credentials: body.credentials };
    await updateTool(context, former, { ...declared, ...credentials });
    return former;
  }
  const approval = effect === 'write' ? (body.approval ?? usualApproval(effect)) : usualApproval(effect);
  const { credentials } = body;
  return createTool(context, createToolSchema.parse({ type: 'api', name, ...declared, approval, credentials }));
}

function refuse(field: string, message: string): PerdureError {
  const errors = [{ path: `body.${field}`, message }];
  return new PerdureError('bad_request', `body.${field}: ${message}`, { errors });
}
