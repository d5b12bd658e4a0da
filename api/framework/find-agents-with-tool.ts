import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../../entities/sql.ts';

const mostNamed = 5;

/** The agents that have the tool, in words, null when none has. */
export async function findAgentsWithTool(em: EntityManager, toolId: string): Promise<string | null> {
  const rows = await query<{ name: string; count: number }>(
    em,
    `select a.name, (count(*) over ())::integer as count from agent_tools l join agents a on a.id = l.agent_id
     where a.deleted_at is null and $1 in (l.rag_tool_id, l.retrieval_tool_id, l.tool_id)
     order by a.name limit $2`,
    [toolId, mostNamed],
  );
  const [first] = rows;
  if (!first) return null;
  const names = rows.map(({ name }) => `"${name}"`);
  if (first.count === 1) return `the agent ${names[0]}`;
  if (first.count > rows.length) names.push(`${first.count - rows.length} more`);
  return `the agents ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
