import type { EntityManager } from '@mikro-orm/postgresql';
import type { AgentToolReference } from '../../contracts/agent.ts';
import { query } from '../sql.ts';

/** Gives an agent these tools, in this order, in place of those that it had. */
export async function replaceAgentTools(
  em: EntityManager,
  agent: { workspaceId: string; agentId: string },
  tools: readonly AgentToolReference[],
): Promise<void> {
  await query(em, `delete from agent_tools where agent_id = $1`, [agent.agentId]);
  if (tools.length === 0) return;
  await query(
    em,
    `insert into agent_tools (workspace_id, agent_id, position, tool_type, rag_tool_id, retrieval_tool_id, tool_id, use,
                              needs_approval)
     select $1, $2, g.place - 1, g.type, case g.type when 'rag_tool' then g.id end,
            case g.type when 'retrieval_tool' then g.id end, case g.type when 'tool' then g.id end,
            coalesce(g.use, 'before'), g.needs_approval
     from rows from (jsonb_to_recordset($3::jsonb) as (type text, id uuid, use text, needs_approval text))
       with ordinality as g (type, id, use, needs_approval, place)`,
    [agent.workspaceId, agent.agentId, JSON.stringify(tools)],
  );
}

/** The tools of the agent with the alias `a` as JSON, in their order. */
export const agentToolsAsJson = `coalesce((
  select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
    'type', l.tool_type, 'id', coalesce(l.rag_tool_id, l.retrieval_tool_id, l.tool_id), 'use', nullif(l.use, 'before'),
    'needs_approval', l.needs_approval)) order by l.position)
  from agent_tools l where l.agent_id = a.id), '[]')`;
