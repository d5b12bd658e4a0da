import type { EntityManager } from '@mikro-orm/postgresql';
import type { PromptType, TemplateVariable } from '../../contracts/names/template-variables.ts';
import { query } from '../sql.ts';

/** A template as a prompt uses it, with the version that it has there. */
export type AgentTemplate = {
  id: string;
  name: string;
  type: PromptType;
  version: number;
  template: string;
  variables: TemplateVariable[];
};

/**
 * Which templates the agent with the alias `a` uses now: its own in their order, then the workspace's default of each type
 * of which it has none.
 */
export const templatesOfAgent = `
  select p.id, p.version, u.position as place
  from agent_prompt_templates u join prompt_templates p on p.id = u.prompt_template_id and p.deleted_at is null
  where u.agent_id = a.id
  union all
  select p.id, p.version, 1000 as place
  from prompt_templates p
  where p.workspace_id = a.workspace_id and p.is_default and p.deleted_at is null and not exists (
    select from agent_prompt_templates u join prompt_templates o on o.id = u.prompt_template_id
    where u.agent_id = a.id and o.type = p.type and o.deleted_at is null)`;

/** What filling an agent's templates for a message of a conversation needs. */
export type PromptPin = {
  agentVersion: number;
  agentName: string;
  user: string;
  userName: string | null;
  title: string;
  metadata: Record<string, unknown>;
  templates: AgentTemplate[];
};

/** A `PromptPin` of the agent with the alias `a`, the conversation `c` and its user `s`. */
export const promptPinColumns = `
  a.version as "agentVersion", a.name as "agentName", s.external_id as "user", s.display_name as "userName", c.title,
  c.metadata,
  coalesce((
    select json_agg(json_build_object('id', p.id, 'name', p.name, 'type', p.type, 'version', p.version,
                                      'template', p.template, 'variables', p.variables) order by w.place, p.id)
    from (${templatesOfAgent}) as w join prompt_templates p on p.id = w.id), '[]') as templates`;

/** Reads which versions a turn that is accepted now would use; null when there is no such conversation. */
export async function readPromptPin(em: EntityManager, conversationId: string): Promise<PromptPin | null> {
  const [row] = await query<PromptPin>(
    em,
    `select ${promptPinColumns}
     from conversations c join agents a on a.id = c.agent_id join users s on s.id = c.user_id
     where c.id = $1 and c.deleted_at is null`,
    [conversationId],
  );
  return row ?? null;
}
