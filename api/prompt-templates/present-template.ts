import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import type { promptTemplateSchema, promptTemplateVersionSchema } from '../../contracts/prompt-template.ts';
import type { VersionRow } from '../../entities/agents/version-repository.ts';
import type { PromptTemplate } from '../../entities/index.ts';
import { query } from '../../entities/sql.ts';
import { presentTime } from '../framework/present-time.ts';

/** Locks a prompt template and reads it anew, so that each change has a version of its own. */
export async function lockTemplate(em: EntityManager, row: PromptTemplate): Promise<void> {
  await query(em, `select 1 from prompt_templates where id = $1 for update`, [row.id]);
  await em.refresh(row);
}

/** A prompt template as the API shows it. */
export function presentTemplate(row: PromptTemplate): z.input<typeof promptTemplateSchema> {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    template: row.template,
    variables: row.variables,
    type: row.type,
    is_default: row.isDefault,
    version: row.version,
    created_at: presentTime(row.createdAt),
    updated_at: presentTime(row.updatedAt),
  };
}

/** A version of a prompt template as the API shows it. */
export function presentTemplateVersion(row: VersionRow<'promptTemplate'>): z.input<typeof promptTemplateVersionSchema> {
  const { name, type, template, variables } = row.snapshot;
  return { version: row.version, name, type, template, variables, created_at: presentTime(row.created_at) };
}
