import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import type { AgentToolReference, Topic, updateAgentSchema } from '../../contracts/agent.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { replaceAgentTools } from '../../entities/agents/agent-tool-repository.ts';
import { keepAgentVersion } from '../../entities/agents/agent-version-repository.ts';
import { findNamedId } from '../../entities/agents/named-resource-repository.ts';
import type { NamedTable } from '../../entities/agents/named-resource-repository.ts';
import { AgentPromptTemplate, Model, type Agent } from '../../entities/index.ts';
import { query } from '../../entities/sql.ts';
import { requireReference } from '../framework/require-reference.ts';
import { given } from '../framework/resource-routes.ts';

/** What a request changes of an agent. */
export type AgentChanges = z.output<typeof updateAgentSchema>;

/**
 * Locks an agent and reads it anew, so that of two changes at once the second sees the first, and each has a version of its
 * own.
 */
export async function lockAgent(em: EntityManager, agent: Agent): Promise<void> {
  await query(em, `select 1 from agents where id = $1 for update`, [agent.id]);
  await em.refresh(agent);
}

/**
 * Changes an agent whose row is locked or new: what is given is checked and written, and the result is kept as the
 * version that the row has by then. `at` is where the request has it.
 * @throws PerdureError `bad_request` or `unknown_model`, naming the field.
 */
export async function configureAgent(
  em: EntityManager,
  agent: Agent,
  changes: AgentChanges,
  at: string,
): Promise<void> {
  const { tools, topics, prompt_templates: templates, fallback_models: fallbacks } = changes;
  if (tools) await requireTools(em, tools, at);
  if (topics || tools) await requireTopics(em, agent, { topics: topics ?? agent.topics, tools }, at);
  em.assign(
    agent,
    given({
      name: changes.name,
      description: changes.description,
      systemPrompt: changes.system_prompt,
      modelId: changes.model === undefined ? undefined : await requireChatModel(em, `${at}.model`, changes.model),
      temperature: changes.temperature,
      maxTokens: changes.max_tokens,
      limits: changes.limits,
      onBusy: changes.on_busy,
      fallbackModels: fallbacks && (await requireFallbacks(em, fallbacks, at)),
      topics,
    }),
  );
  await em.flush();
  if (tools) await replaceAgentTools(em, { workspaceId: agent.workspaceId, agentId: agent.id }, tools);
  if (templates) await linkTemplates(em, agent, templates, at);
  await keepAgentVersion(em, agent.id);
}

/** The id of a chat model. @throws PerdureError `unknown_model`, or `bad_request` for an embedding model. */
export async function requireChatModel(em: EntityManager, path: string, nameOrId: string): Promise<string> {
  const id = await requireReference(em, 'models', path, nameOrId);
  const model = await em.findOneOrFail(Model, { id });
  if (model.kind === 'chat') return id;
  throw refuse(path, `"${model.name}" is an embedding model, and an agent needs a chat model`);
}

async function requireFallbacks(em: EntityManager, models: readonly string[], at: string): Promise<string[]> {
  const ids: string[] = [];
  for (const [index, model] of models.entries()) {
    const path = `${at}.fallback_models.${index}`;
    const id = await requireChatModel(em, path, model);
    if (ids.includes(id)) throw refuse(path, `"${model}" is there twice`);
    ids.push(id);
  }
  return ids;
}

const toolTables: Record<AgentToolReference['type'], { table: NamedTable; noun: string }> = {
  rag_tool: { table: 'rag_tools', noun: 'RAG tool' },
  retrieval_tool: { table: 'retrieval_tools', noun: 'retrieval tool' },
  tool: { table: 'tools', noun: 'tool' },
};

async function requireTools(em: EntityManager, tools: readonly AgentToolReference[], at: string): Promise<void> {
  const seen = new Set<string>();
  for (const [index, tool] of tools.entries()) {
    const path = `${at}.tools.${index}`;
    const { table, noun } = toolTables[tool.type];
    if ((await findNamedId(em, table, tool.id)) !== tool.id)
      throw refuse(`${path}.id`, `there is no such ${noun} in this workspace`);
    if (seen.has(tool.id)) throw refuse(`${path}.id`, `this ${noun} is there twice`);
    if (tool.use !== undefined && tool.type !== 'rag_tool')
      throw refuse(
        `${path}.use`,
        `only a RAG tool is searched before the model is asked; leave \`use\` out for a ${noun}`,
      );
    seen.add(tool.id);
  }
}

async function requireTopics(
  em: EntityManager,
  agent: Agent,
  { topics, tools }: { topics: readonly Topic[]; tools: readonly AgentToolReference[] | undefined },
  at: string,
): Promise<void> {
  const twice = topics.findIndex(({ name }, index) => topics.findIndex((topic) => topic.name === name) < index);
  if (twice >= 0) throw refuse(`${at}.topics.${twice}.name`, `there are two topics "${topics[twice]!.name}"`);
  if (topics.every((topic) => topic.tools.length === 0)) return;
  const ids = new Set(tools?.map(({ id }) => id) ?? (await toolIdsOf(em, agent)));
  for (const [index, topic] of topics.entries())
    for (const [place, { id }] of topic.tools.entries())
      if (!ids.has(id))
        throw refuse(
          `${at}.topics.${index}.tools.${place}.id`,
          `the agent has no such tool: add it to its tools first`,
        );
}

async function toolIdsOf(em: EntityManager, agent: Agent): Promise<string[]> {
  const rows = await query<{ id: string }>(
    em,
    `select coalesce(rag_tool_id, retrieval_tool_id, tool_id) as id from agent_tools where agent_id = $1`,
    [agent.id],
  );
  return rows.map(({ id }) => id);
}

async function linkTemplates(em: EntityManager, agent: Agent, templates: readonly string[], at: string): Promise<void> {
  await em.nativeDelete(AgentPromptTemplate, { agentId: agent.id });
  for (const [position, promptTemplateId] of [...new Set(templates)].entries()) {
    if ((await findNamedId(em, 'prompt_templates', promptTemplateId)) !== promptTemplateId)
      throw refuse(`${at}.prompt_templates.${position}`, 'there is no such prompt template in this workspace');
    const { id: agentId, workspaceId } = agent;
    await em.insert(AgentPromptTemplate, { agentId, promptTemplateId, workspaceId, position });
  }
}

function refuse(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
