import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../../entities/sql.ts';

/** The agent that has the tool, in words, null when none has. */
export async function findAgentWithTool(em: EntityManager, toolId: string): Promise<string | null> {
  const [agent] = await query<{ name: string }>(
    em,
    `select name from agents where deleted_at is null and tools @> jsonb_build_array(jsonb_build_object('id', $1::text))
     limit 1`,
    [toolId],
  );
  return agent ? `the agent "${agent.name}"` : null;
}
