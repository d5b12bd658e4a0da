import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** The text and the variables of a prompt template as they were with one version. */
export const PromptTemplateVersion = defineEntity({
  name: 'PromptTemplateVersion',
  tableName: 'prompt_template_versions',
  properties: {
    promptTemplateId: p.uuid().primary(),
    version: p.integer().primary(),
    workspaceId: p.uuid(),
    snapshot: p.json<Record<string, unknown>>(),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'prompt_template_versions_template_idx', properties: ['workspaceId', 'promptTemplateId'] }],
  checks: [
    { name: 'prompt_template_versions_snapshot_check', expression: `jsonb_typeof(snapshot) = 'object'::text` },
    { name: 'prompt_template_versions_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type PromptTemplateVersion = InferEntity<typeof PromptTemplateVersion>;
