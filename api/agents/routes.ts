import type { EntityManager } from '@mikro-orm/postgresql';
import { agentSchema, createAgentSchema, updateAgentSchema } from '../../contracts/agent.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { Agent, AgentPromptTemplate, Conversation, Model } from '../../entities/index.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';

type Tool = { type: 'rag_tool' | 'retrieval_tool'; id: string };

/** Routes of agents. */
export const agentRoutes = resourceRoutes({
  path: '/agents',
  tag: 'Agents',
  noun: 'agent',
  entity: Agent,
  schema: agentSchema,
  createSchema: createAgentSchema,
  updateSchema: updateAgentSchema,
  examples: {
    create: { name: 'support', model: 'extractive', system_prompt: 'Answer briefly.' },
    update: { temperature: 0.2 },
  },
  present: async (rows, em) => {
    const links = await em.find(
      AgentPromptTemplate,
      { agentId: { $in: rows.map((row) => row.id) } },
      { orderBy: { position: 'asc' } },
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      system_prompt: row.systemPrompt,
      model_id: row.modelId,
      temperature: row.temperature == null ? null : Number(row.temperature),
      max_tokens: row.maxTokens ?? null,
      tools: row.tools.map(({ type, id }) => ({ type: type as Tool['type'], id })),
      topics: row.topics,
      prompt_templates: links.filter((link) => link.agentId === row.id).map((link) => link.promptTemplateId),
      version: row.version,
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    }));
  },
  create: async (body, { em, principal }) => {
    await requireTools(em, body.tools);
    const agent = em.create(Agent, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      description: body.description,
      systemPrompt: body.system_prompt,
      modelId: await requireChatModel(em, body.model),
      temperature: body.temperature,
      maxTokens: body.max_tokens,
      tools: body.tools,
      topics: body.topics,
    });
    await em.flush();
    await linkTemplates(em, agent, body.prompt_templates);
    return agent;
  },
  update: async (row, body, { em }) => {
    await requireTools(em, body.tools ?? []);
    em.assign(
      row,
      given({
        name: body.name,
        description: body.description,
        systemPrompt: body.system_prompt,
        modelId: body.model === undefined ? undefined : await requireChatModel(em, body.model),
        temperature: body.temperature,
        maxTokens: body.max_tokens,
        tools: body.tools,
        topics: body.topics,
      }),
    );
    row.version += 1;
    if (body.prompt_templates) await linkTemplates(em, row, body.prompt_templates);
  },
  usedBy: async (row, em) => {
    const count = await em.count(Conversation, { agentId: row.id, deletedAt: null, isArchived: false });
    return count === 0 ? null : `${count} conversation(s) that are not archived`;
  },
});

async function requireChatModel(em: EntityManager, nameOrId: string): Promise<string> {
  const id = await requireReference(em, 'models', 'body.model', nameOrId);
  const model = await em.findOneOrFail(Model, { id });
  if (model.kind === 'chat') return id;
  throw refuse('body.model', `"${model.name}" is an embedding model, and an agent needs a chat model`);
}

async function requireTools(em: EntityManager, tools: ReadonlyArray<{ id: string }>): Promise<void> {
  for (const [index, tool] of tools.entries()) {
    if ((await findNamedId(em, 'rag_tools', tool.id)) !== tool.id)
      throw refuse(`body.tools.${index}.id`, 'there is no such RAG tool in this workspace');
  }
}

async function linkTemplates(em: EntityManager, agent: Agent, templates: readonly string[]): Promise<void> {
  await em.nativeDelete(AgentPromptTemplate, { agentId: agent.id });
  for (const [position, promptTemplateId] of [...new Set(templates)].entries()) {
    if ((await findNamedId(em, 'prompt_templates', promptTemplateId)) !== promptTemplateId)
      throw refuse(`body.prompt_templates.${position}`, 'there is no such prompt template in this workspace');
    await em.insert(AgentPromptTemplate, {
      agentId: agent.id,
      promptTemplateId,
      workspaceId: agent.workspaceId,
      position,
    });
  }
}

function refuse(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
