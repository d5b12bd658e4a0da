import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { TemplateVariable } from '../../contracts/names/template-variables.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A versioned prompt with named variables. */
export const PromptTemplate = defineEntity({
  name: 'PromptTemplate',
  tableName: 'prompt_templates',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    template: p.text(),
    variables: p.json<TemplateVariable[]>().defaultRaw(`'[]'`),
    type: p.enum(['system', 'user', 'assistant', 'tool', 'summary', 'title', 'topic']),
    isDefault: p.boolean().default(false),
    version: p.integer().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    {
      name: 'prompt_templates_default_key',
      properties: ['workspaceId', 'type'],
      where: 'is_default AND (deleted_at IS NULL)',
    },
    { name: 'prompt_templates_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'prompt_templates_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [
    { name: 'prompt_templates_name_check', expression: `name <> ''::text` },
    { name: 'prompt_templates_variables_check', expression: `jsonb_typeof(variables) = 'array'::text` },
    { name: 'prompt_templates_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type PromptTemplate = InferEntity<typeof PromptTemplate>;
