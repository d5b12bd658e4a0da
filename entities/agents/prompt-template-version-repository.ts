import type { EntityManager } from '@mikro-orm/postgresql';
import type { PromptType, TemplateVariable } from '../../contracts/names/template-variables.ts';
import { query } from '../sql.ts';

/** What a version of a prompt template holds. */
export type TemplateSnapshot = { name: string; type: PromptType; template: string; variables: TemplateVariable[] };

/** Keeps the template's text and variables under its current version, unless that is kept already. */
export async function keepTemplateVersion(em: EntityManager, promptTemplateId: string): Promise<void> {
  await query(
    em,
    `insert into prompt_template_versions (prompt_template_id, version, workspace_id, snapshot)
     select id, version, workspace_id,
            jsonb_build_object('name', name, 'type', type, 'template', template, 'variables', variables)
     from prompt_templates where id = $1
     on conflict do nothing`,
    [promptTemplateId],
  );
}
