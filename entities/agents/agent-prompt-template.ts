import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A prompt template that an agent uses, in order of `position`. */
export const AgentPromptTemplate = defineEntity({
  name: 'AgentPromptTemplate',
  tableName: 'agent_prompt_templates',
  properties: {
    agentId: p.uuid().primary(),
    promptTemplateId: p.uuid().primary(),
    workspaceId: p.uuid(),
    position: p.integer().default(0),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'agent_prompt_templates_template_idx', properties: ['workspaceId', 'promptTemplateId'] }],
  policies: workspacePolicies,
});

export type AgentPromptTemplate = InferEntity<typeof AgentPromptTemplate>;
