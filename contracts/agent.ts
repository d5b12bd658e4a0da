import { z } from 'zod';
import { idField, nameField, timestampFields } from './fields.ts';

/** A tool of an agent, by reference; a turn searches with its RAG tools. */
export const agentToolSchema = z.strictObject({ type: z.enum(['rag_tool', 'retrieval_tool']), id: idField });

const givenTool = z.strictObject({ type: z.literal('rag_tool'), id: idField });

/** An agent's configuration; each change of it raises `version`. */
export const agentSchema = z.strictObject({
  id: idField,
  name: z.string(),
  description: z.string(),
  system_prompt: z.string(),
  model_id: idField,
  temperature: z.number().nullable(),
  max_tokens: z.int().nullable(),
  tools: z.array(agentToolSchema),
  topics: z.array(z.unknown()),
  prompt_templates: z.array(idField).describe('In their order'),
  version: z.int(),
  ...timestampFields,
});

const writable = {
  description: z.string().max(10_000),
  system_prompt: z.string().max(200_000),
  temperature: z.number().min(0).max(2).nullable(),
  max_tokens: z.int().min(1).nullable(),
  tools: z.array(givenTool).max(64),
  topics: z.array(z.unknown()).max(1000),
  prompt_templates: z.array(idField).max(64),
};

/** Body of `POST /agents`. */
export const createAgentSchema = z.strictObject({
  name: nameField,
  model: z.string().min(1).max(200).describe('Name or id of a chat model'),
  description: writable.description.default(''),
  system_prompt: writable.system_prompt.default(''),
  temperature: writable.temperature.default(null),
  max_tokens: writable.max_tokens.default(null),
  tools: writable.tools.default([]),
  topics: writable.topics.default([]),
  prompt_templates: writable.prompt_templates.default([]),
});

/** Body of `PATCH /agents/{id}`. */
export const updateAgentSchema = z
  .strictObject({ name: nameField, model: z.string().min(1).max(200), ...writable })
  .partial();
