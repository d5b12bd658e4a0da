import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../../entities/sql.ts';

/** The agent that has the tool, in words, null when none has. */
export async function findAgentWithTool(em: EntityManager, toolId: string): Promise<string | null> {
  const [agent] = await query<{ name: string }>(
    em,
    `select a.name from agent_tools l join agents a on a.id = l.agent_id
     where a.deleted_at is null and $1 in (l.rag_tool_id, l.retrieval_tool_id, l.tool_id)
     order by a.name limit 1`,
    [toolId],
  );
  return agent ? `the agent "${agent.name}"` : null;
}
