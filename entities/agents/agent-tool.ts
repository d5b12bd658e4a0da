import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A tool that an agent may use, in order of `position`; exactly one of the three ids is set, the one of `toolType`. */
export const AgentTool = defineEntity({
  name: 'AgentTool',
  tableName: 'agent_tools',
  properties: {
    agentId: p.uuid().primary(),
    position: p.integer().primary(),
    workspaceId: p.uuid(),
    toolType: p.enum(['rag_tool', 'retrieval_tool', 'tool']),
    ragToolId: p.uuid().nullable(),
    retrievalToolId: p.uuid().nullable(),
    toolId: p.uuid().nullable(),
    /** Of a RAG tool: searched before the first call of the model, or when the model asks for it. */
    use: p.enum(['before', 'on_demand']).default('before'),
    /** What the agent wants in place of the tool's own rule; null leaves it to the tool. */
    needsApproval: p.enum(['never', 'always']).nullable(),
    createdAt: createdAt(),
  },
  uniques: [
    { name: 'agent_tools_agent_id_rag_tool_id_key', properties: ['agentId', 'ragToolId'] },
    { name: 'agent_tools_agent_id_retrieval_tool_id_key', properties: ['agentId', 'retrievalToolId'] },
    { name: 'agent_tools_agent_id_tool_id_key', properties: ['agentId', 'toolId'] },
  ],
  indexes: [
    { name: 'agent_tools_agent_id_idx', properties: ['workspaceId', 'agentId'] },
    { name: 'agent_tools_rag_tool_id_idx', properties: ['workspaceId', 'ragToolId'] },
    { name: 'agent_tools_retrieval_tool_id_idx', properties: ['workspaceId', 'retrievalToolId'] },
    { name: 'agent_tools_tool_id_idx', properties: ['workspaceId', 'toolId'] },
  ],
  checks: [
    { name: 'agent_tools_position_check', expression: '"position" >= 0' },
    {
      name: 'agent_tools_reference_check',
      expression:
        `((tool_type = 'rag_tool'::text) = (rag_tool_id IS NOT NULL)) AND ` +
        `((tool_type = 'retrieval_tool'::text) = (retrieval_tool_id IS NOT NULL)) AND ` +
        `((tool_type = 'tool'::text) = (tool_id IS NOT NULL))`,
    },
  ],
  policies: workspacePolicies,
});

export type AgentTool = InferEntity<typeof AgentTool>;
