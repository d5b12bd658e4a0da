import type { EntityManager } from '@mikro-orm/postgresql';
import type { AgentSnapshot } from '../../contracts/agent.ts';
import { query } from '../sql.ts';
import { agentToolsAsJson } from './agent-tool-repository.ts';

/** The configuration of the agent with the alias `a` as it is now, as JSON. */
export const agentAsJson = `jsonb_build_object(
  'name', a.name, 'description', a.description, 'system_prompt', a.system_prompt, 'model_id', a.model_id,
  'temperature', a.temperature, 'max_tokens', a.max_tokens, 'limits', a.limits, 'on_busy', a.on_busy,
  'fallback_models', a.fallback_models, 'topics', a.topics, 'tools', ${agentToolsAsJson},
  'prompt_templates', coalesce((
    select jsonb_agg(u.prompt_template_id order by u.position, u.prompt_template_id)
    from agent_prompt_templates u where u.agent_id = a.id), '[]'))`;

/** Agents as they are now, by id. */
export async function readAgents(em: EntityManager, ids: readonly string[]): Promise<Map<string, AgentSnapshot>> {
  const rows = await query<{ id: string; snapshot: AgentSnapshot }>(
    em,
    `select a.id, ${agentAsJson} as snapshot from agents a where a.id = any($1::uuid[])`,
    [ids],
  );
  return new Map(rows.map(({ id, snapshot }) => [id, snapshot]));
}

/** Agents that call the model when others fail. */
export async function readAgentsFallingBackTo(em: EntityManager, modelId: string): Promise<Array<{ name: string }>> {
  return query<{ name: string }>(
    em,
    `select name from agents where fallback_models ? $1 and deleted_at is null order by name limit 1`,
    [modelId],
  );
}

/** Keeps the agent's configuration under its current version, unless that is kept already. */
export async function keepAgentVersion(em: EntityManager, agentId: string): Promise<void> {
  await query(
    em,
    `insert into agent_versions (agent_id, version, workspace_id, snapshot)
     select a.id, a.version, a.workspace_id, ${agentAsJson} from agents a where a.id = $1
     on conflict do nothing`,
    [agentId],
  );
}
