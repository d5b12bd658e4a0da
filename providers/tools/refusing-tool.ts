import { ToolError } from '../tool-error.ts';
import type { Tool, ToolDefinition } from '../tool.ts';

/** A tool that cannot be called as things stand: each call says why, and nothing happens. */
export function refusingTool(definition: ToolDefinition, detail: string): Tool {
  return {
    definition,
    async run() {
      throw new ToolError('tool_failed', detail, { outcome: 'not_started' });
    },
  };
}
