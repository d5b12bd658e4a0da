import type { EntityManager } from '@mikro-orm/postgresql';
import type { PromptType, TemplateVariable } from '../../contracts/names/template-variables.ts';
import { query } from '../sql.ts';

/** What a version of a prompt template holds. */
export type TemplateSnapshot = { name: string; type: PromptType; template: string; variables: TemplateVariable[] };

/** A kept version of a prompt template. */
export type TemplateVersionRow = { version: number; snapshot: TemplateSnapshot; created_at: Date };

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

/** Lists the versions of a prompt template, newest first, below `beforeVersion`. */
export async function listTemplateVersions(
  em: EntityManager,
  promptTemplateId: string,
  page: { beforeVersion: number | null; limit: number },
): Promise<TemplateVersionRow[]> {
  return query<TemplateVersionRow>(
    em,
    `select version, snapshot, created_at from prompt_template_versions
     where prompt_template_id = $1 and ($2::integer is null or version < $2) order by version desc limit $3`,
    [promptTemplateId, page.beforeVersion, page.limit],
  );
}

/** Finds one version of a prompt template. */
export async function findTemplateVersion(
  em: EntityManager,
  promptTemplateId: string,
  version: number,
): Promise<TemplateVersionRow | null> {
  const [row] = await query<TemplateVersionRow>(
    em,
    `select version, snapshot, created_at from prompt_template_versions where prompt_template_id = $1 and version = $2`,
    [promptTemplateId, version],
  );
  return row ?? null;
}
