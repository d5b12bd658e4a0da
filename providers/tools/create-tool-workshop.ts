import { toolCredentialsSchema, type ToolCredentials } from '../../contracts/tool-configuration.ts';
import { describeBuiltin, openTool, type ToolWorld } from './open-tool.ts';
import { refusingTool } from './refusing-tool.ts';
import { findToolMistakes } from './find-tool-mistakes.ts';
import { validateArguments } from './arguments/validate-arguments.ts';
import { fetchOpenApi } from './openapi/fetch-openapi.ts';
import { readOpenApiDocument } from './openapi/read-document.ts';
import { readOperations } from './openapi/read-operations.ts';
import type { Tool, ToolApproval, ToolDefinition } from '../tool.ts';
import type { StoredTool, ToolWorkshop } from '../tool-workshop.ts';
import { needsApproval } from '../../domain/tools/needs-approval.ts';

/** Makes the workshop of one process; `openSealed` throws for what was sealed with another key. */
export function createToolWorkshop(world: ToolWorld & { openSealed(sealed: string): string }): ToolWorkshop {
  return {
    open(row: StoredTool, name: string): Tool {
      const definition = definitionOf(row, name);
      const credentials = readCredentials(world, row);
      if (credentials === 'sealed')
        return refusingTool(
          definition,
          `The credentials of the tool "${name}" were sealed with another key. Set them anew by PATCH /tools/${row.id}.`,
        );
      return openTool(world, definition, row.configuration, credentials);
    },
    describeBuiltin,
    findToolMistakes,
    validateArguments,
    needsApproval,
    readOpenApi: (document, options) => readOperations(readOpenApiDocument(document), options),
    fetchOpenApi: (url: string) => fetchOpenApi(world.fetch, url),
  };
}

function readCredentials(
  world: { openSealed(sealed: string): string },
  { credentials }: StoredTool,
): ToolCredentials | null | 'sealed' {
  if (credentials == null) return null;
  try {
    return toolCredentialsSchema.parse(JSON.parse(world.openSealed(credentials)));
  } catch {
    return 'sealed';
  }
}

/** What is known of a row's tool without opening it. */
function definitionOf(row: StoredTool, name: string): ToolDefinition {
  const { id, version, description, parameters, effect, idempotent, timeoutMs, maxResultBytes } = row;
  return {
    type: row.type === 'builtin' ? 'builtin' : 'tool',
    ...{ id, version, name, description, parameters, effect, timeoutMs, maxResultBytes },
    idempotent: idempotent || effect === 'read',
    // Checked when it was stored.
    approval: row.approval as ToolApproval,
  };
}
