import type { ToolResolver } from '../../../activities/conversation/conversation-deps.ts';
import type { Tool, ToolApproval, ToolResult } from '../../../providers/tool.ts';
import { ToolError } from '../../../providers/tool-error.ts';

/** A tool of a test: what it declares, and what it gives in place of the service's answer. */
export type EffectToolOptions = {
  name: string;
  url: string;
  effect: 'read' | 'write';
  idempotent?: boolean;
  approval?: ToolApproval;
  timeoutMs?: number;
  result?: () => ToolResult;
};

/** A tool that sends its arguments to a service, with the call's id as `Idempotency-Key`; takes `{ note: string }`. */
export function effectTool(options: EffectToolOptions): Tool {
  const { name, url, effect, idempotent = effect === 'read', approval = { mode: 'never' } } = options;
  return {
    definition: {
      type: 'tool',
      id: toolId(name),
      version: 1,
      name,
      description: `Test tool ${name}`,
      parameters: {
        type: 'object',
        properties: { note: { type: 'string' } },
        required: ['note'],
        additionalProperties: false,
      },
      ...{ effect, idempotent, approval },
      timeoutMs: options.timeoutMs ?? 10_000,
      maxResultBytes: 10_000,
    },
    async run(args, call) {
      try {
        const response = await fetch(url, {
          method: effect === 'read' ? 'GET' : 'POST',
          headers: { 'idempotency-key': call.callId },
          ...(effect === 'read' ? {} : { body: JSON.stringify(args) }),
          signal: call.signal,
        });
        const content = await response.text();
        return options.result?.() ?? { content, isError: false, truncated: false, bytes: content.length };
      } catch (error) {
        call.signal.throwIfAborted();
        throw new ToolError('fetch_failed', `The service of ${name} broke off: ${String(error)}`, {
          outcome: 'unknown',
        });
      }
    },
  };
}

/** A resolver that offers these tools to every agent. */
export function offerTools(tools: readonly Tool[]): ToolResolver {
  return {
    resolve: async () => ({ tools, before: [], leftOut: [] }),
    open: async (_em, { call }) => tools.find(({ definition }) => definition.name === call.name) ?? null,
  };
}

/** A UUID that the name alone decides. */
function toolId(name: string): string {
  const hex = Buffer.from(name.padEnd(16, '.')).toString('hex').slice(0, 32);
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-7$3-8$4-$5');
}
