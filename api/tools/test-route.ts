import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import { functionName } from '../../contracts/function-name.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { testToolSchema, toolTestSchema } from '../../contracts/tool.ts';
import type { Tool as ToolRow } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { ToolError } from '../../providers/tool-error.ts';
import type { Tool, ToolCallContext } from '../../providers/tool.ts';
import { actingUser } from '../framework/acting-user.ts';
import { defineRoute } from '../framework/route.ts';
import { requireTool } from './require-tool.ts';

type Tested = Pick<z.input<typeof toolTestSchema>, 'state' | 'content' | 'truncated' | 'bytes' | 'error'>;

/** Runs a tool once, outside of any conversation. */
export const testToolRoute = defineRoute({
  method: 'POST',
  path: '/tools/{id}/test',
  tag: 'Tools',
  summary: 'Call a tool with arguments of your own and see what a model would be given',
  description:
    'Makes one real call and waits for it. A tool that writes needs `confirm: true`. Nobody is asked for approval, and ' +
    'the call is in no conversation: the service keeps apart repeated ones by their `call_id`.',
  scope: 'configuration:write',
  params: idParamsSchema,
  body: testToolSchema,
  idempotent: true,
  example: { arguments: { expression: '19.99 * 3' } },
  responses: { 200: toolTestSchema },
  problems: [422],
  handle: async ({ params, body, principal, user }, deps) => {
    const { row, userId } = await deps.database.inWorkspace(principal.workspaceId, async (em) => ({
      row: await requireTool(em, params.id),
      userId: (await actingUser(em, { principal, user }, body.user)).id,
    }));
    requireConfirmed(row, body.confirm);
    const call: ToolCallContext = {
      callId: uuidV7(),
      workspaceId: principal.workspaceId,
      user: { id: userId },
      signal: AbortSignal.timeout(row.timeoutMs + graceMs),
    };
    const tool = deps.tools.open(row, functionName(row.name));
    const read = deps.tools.validateArguments(row.parameters, JSON.stringify(body.arguments));
    const isValid = 'arguments' in read;
    const started = performance.now();
    const tested = isValid ? await run(tool, read.arguments, call) : invalid(read.reason);
    return {
      status: 200,
      body: {
        call_id: call.callId,
        needs_approval: isValid && deps.tools.needsApproval(tool.definition.approval, read.arguments),
        duration_ms: Math.round(performance.now() - started),
        ...tested,
      },
    };
  },
});

// The tool's own time-out says more about what happened.
const graceMs = 5_000;

function requireConfirmed(row: ToolRow, isConfirmed: boolean): void {
  if (row.effect === 'read' || isConfirmed) return;
  const message = `"${row.name}" writes: the call is made for real. Send confirm: true to make it`;
  throw new PerdureError('bad_request', `body.confirm: ${message}`, { errors: [{ path: 'body.confirm', message }] });
}

async function run(tool: Tool, args: Record<string, unknown>, call: ToolCallContext): Promise<Tested> {
  try {
    const { content, isError, truncated, bytes } = await tool.run(args, call);
    return { state: isError ? 'failed' : 'succeeded', content, truncated, bytes, error: null };
  } catch (error) {
    if (!isToolError(error)) throw error;
    const { code, detail, outcome, retryable } = error;
    const state = outcome === 'unknown' ? 'unknown' : 'failed';
    return { ...nothing, state, error: { code, detail, outcome, retryable } };
  }
}

const nothing = { content: '', truncated: false, bytes: 0 };

function invalid(reason: string): Tested {
  return { state: 'invalid', content: reason, truncated: false, bytes: Buffer.byteLength(reason), error: null };
}

/** The class itself belongs to the providers, of which the API knows only the types. */
function isToolError(error: unknown): error is ToolError {
  return error instanceof PerdureError && 'outcome' in error;
}
