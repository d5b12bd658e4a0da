import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Topic, TurnLimits } from '../../contracts/agent.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** An agent: prompt, model, settings, topics, and what a turn of it may use up. Its tools are rows of `agent_tools`. */
export const Agent = defineEntity({
  name: 'Agent',
  tableName: 'agents',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    systemPrompt: p.text().default(''),
    modelId: p.uuid(),
    temperature: p.double().nullable(),
    maxTokens: p.integer().nullable(),
    topics: p.json<Topic[]>().defaultRaw(`'[]'`),
    limits: p.json<Partial<TurnLimits>>().defaultRaw(`'{}'`),
    onBusy: p.enum(['queue', 'replace', 'refuse']).default('queue'),
    /** Ids of the models that are tried in this order when the agent's own fails. */
    fallbackModels: p.json<string[]>().defaultRaw(`'[]'`),
    version: p.integer().default(1),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'agents_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'agents_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'agents_model_id_idx', properties: ['workspaceId', 'modelId'] },
    { name: 'agents_name_idx', properties: ['name'] },
  ],
  checks: [
    { name: 'agents_fallback_models_check', expression: `jsonb_typeof(fallback_models) = 'array'::text` },
    { name: 'agents_limits_check', expression: `jsonb_typeof(limits) = 'object'::text` },
    { name: 'agents_max_tokens_check', expression: 'max_tokens > 0' },
    { name: 'agents_name_check', expression: `name <> ''::text` },
    {
      name: 'agents_temperature_check',
      expression: '((temperature)::numeric >= (0)::numeric) AND ((temperature)::numeric <= (2)::numeric)',
    },
    { name: 'agents_topics_check', expression: `jsonb_typeof(topics) = 'array'::text` },
    { name: 'agents_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type Agent = InferEntity<typeof Agent>;
