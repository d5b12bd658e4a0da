import type { EntityManager } from '@mikro-orm/postgresql';
import { createToolResolver, type ToolDeps } from '../activities/conversation/tools/resolve-tools.ts';
import { readAgentTools } from '../entities/conversations/turn-attempt-repository.ts';
import type { ToolCallView } from '../entities/conversations/tool-call-view-repository.ts';
import { validateArguments } from '../providers/tools/arguments/validate-arguments.ts';

type CheckedCall = { workspaceId: string; turn_id: string } & Pick<
  ToolCallView,
  'tool_type' | 'tool_id' | 'tool_name' | 'tool_version'
>;

/**
 * Makes the check of arguments that a person gives in place of a model's, against the tool as it was proposed: it says in
 * words what is wrong, or null.
 */
export function createArgumentCheck(
  deps: ToolDeps,
): (em: EntityManager, call: CheckedCall, given: Record<string, unknown>) => Promise<string | null> {
  const resolver = createToolResolver(deps);
  return async (em, call, given) => {
    const { workspaceId, turn_id: turnId, tool_type: type, tool_id: id, tool_name: name, tool_version: version } = call;
    if (type === null || id === null) return 'the call is of no tool that there is';
    const references = await readAgentTools(em, turnId);
    const tool = await resolver.open(em, { workspaceId, references, call: { type, id, version, name } });
    if (tool === null) return `the tool "${name}" was deleted or switched off`;
    const checked = validateArguments(tool.definition.parameters, JSON.stringify(given));
    return 'reason' in checked ? checked.reason : null;
  };
}
