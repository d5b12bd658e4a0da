import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import { readingMethods } from '../../contracts/tool-configuration.ts';
import {
  apiToolConfigurationSchema,
  builtinConfigurationSchema,
  type ToolCredentials,
} from '../../contracts/tool-configuration.ts';
import { toolApprovalSchema, type CreateTool, type UpdateTool } from '../../contracts/tool.ts';
import { keepToolVersion, lockTool } from '../../entities/agents/tool-version-repository.ts';
import { Tool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { ApiDeps } from '../api-deps.ts';
import { given } from '../framework/resource-routes.ts';
import { validatePart } from '../framework/validate-request.ts';

type Context = { em: EntityManager; deps: Pick<ApiDeps, 'tools' | 'seal'>; workspaceId: string };

/** Makes a tool and its first version. @throws PerdureError `bad_request` that names what would not work. */
export async function createTool(context: Context, body: CreateTool): Promise<Tool> {
  const { em, deps, workspaceId } = context;
  const declared = body.type === 'api' ? declareApiTool(body) : declareBuiltin(body, deps);
  const credentials = body.type === 'api' ? body.credentials : null;
  requireWorking(deps, declared, credentials);
  const tool = em.create(Tool, {
    id: uuidV7(),
    workspaceId,
    ...declared,
    credentials: credentials && deps.seal(JSON.stringify(credentials)),
  });
  await em.flush();
  await keepToolVersion(em, tool.id);
  return tool;
}

/** Changes a tool into a new version. @throws PerdureError `bad_request` that names what would not work. */
export async function updateTool(context: Context, tool: Tool, body: UpdateTool): Promise<void> {
  const { em, deps } = context;
  await lockTool(em, tool.id);
  await em.refresh(tool);
  const schema: z.ZodType<Record<string, unknown>> =
    tool.type === 'api' ? apiToolConfigurationSchema : builtinConfigurationSchema;
  const { configuration, credentials } = body;
  if (tool.type === 'builtin') refuseForBuiltins(body);
  em.assign(
    tool,
    given({
      name: body.name,
      description: body.description,
      configuration: configuration && validatePart('body.configuration', schema, configuration),
      parameters: body.parameters,
      credentials: credentials ? deps.seal(JSON.stringify(credentials)) : credentials,
      effect: body.effect,
      idempotent: body.idempotent,
      approval: body.approval,
      timeoutMs: body.timeout_ms,
      maxResultBytes: body.max_result_bytes,
      isActive: body.is_active,
    }),
    { mergeObjectProperties: false },
  );
  if (tool.type === 'builtin' && configuration)
    tool.parameters = {
      ...deps.tools.describeBuiltin(builtinConfigurationSchema.parse(configuration).builtin).parameters,
    };
  requireWorking(deps, tool, credentials ?? null);
  tool.version += 1;
  await em.flush();
  await keepToolVersion(em, tool.id);
}

/** What a person must approve of a tool about which nobody has said it: every write. */
export function usualApproval(effect: 'read' | 'write'): { mode: 'always' | 'never' } {
  return { mode: effect === 'write' ? 'always' : 'never' };
}

function declareApiTool(body: Extract<CreateTool, { type: 'api' }>) {
  const effect = body.effect ?? (readingMethods.includes(body.configuration.method) ? 'read' : 'write');
  return {
    type: body.type,
    name: body.name,
    description: body.description,
    configuration: body.configuration,
    parameters: body.parameters,
    effect,
    idempotent: body.idempotent,
    approval: body.approval ?? usualApproval(effect),
    timeoutMs: body.timeout_ms,
    maxResultBytes: body.max_result_bytes,
    isActive: body.is_active,
  };
}

function declareBuiltin(body: Extract<CreateTool, { type: 'builtin' }>, deps: Pick<ApiDeps, 'tools'>) {
  const { description, parameters } = deps.tools.describeBuiltin(body.configuration.builtin);
  const effect = 'read' as const;
  return {
    type: body.type,
    name: body.name,
    description: body.description ?? description,
    configuration: body.configuration,
    parameters: { ...parameters },
    effect,
    idempotent: true,
    approval: body.approval ?? usualApproval(effect),
    timeoutMs: 5_000,
    maxResultBytes: body.max_result_bytes,
    isActive: body.is_active,
  };
}

const fixedOfBuiltins = ['parameters', 'credentials', 'effect', 'idempotent', 'timeout_ms'] as const;

function refuseForBuiltins(body: UpdateTool): void {
  const field = fixedOfBuiltins.find((name) => body[name] !== undefined);
  if (field) throw refuse([{ path: `body.${field}`, message: 'cannot be changed of a built-in tool' }]);
}

function requireWorking(
  { tools }: Pick<ApiDeps, 'tools'>,
  tool: Pick<Tool, 'type' | 'configuration' | 'parameters' | 'effect' | 'approval'>,
  credentials: ToolCredentials | null,
): void {
  const mistakes = tools.findToolMistakes({
    type: tool.type,
    configuration: tool.configuration,
    parameters: tool.parameters,
    effect: tool.effect,
    approval: toolApprovalSchema.parse(tool.approval),
    credentials,
  });
  if (mistakes.length > 0) throw refuse(mistakes.map(({ path, message }) => ({ path: `body.${path}`, message })));
}

function refuse(errors: { path: string; message: string }[]): PerdureError {
  const [first] = errors;
  return new PerdureError('bad_request', `${first!.path}: ${first!.message}`, { errors });
}
