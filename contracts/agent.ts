import { z } from 'zod';
import { idField, nameField, timeField, timestampFields } from './fields.ts';
import { defaultTurnLimits } from './names/turn-limits.ts';

export type { TurnLimits } from './names/turn-limits.ts';

const toolTypes = ['rag_tool', 'retrieval_tool', 'tool'] as const;

/** A tool of an agent, by reference. */
export const agentToolSchema = z.strictObject({
  type: z.enum(toolTypes),
  id: idField,
  use: z
    .enum(['before', 'on_demand'])
    .optional()
    .describe(
      'Of a RAG tool: searched before the first call of the model (the default), or when the model asks for it',
    ),
  needs_approval: z
    .enum(['never', 'always'])
    .nullable()
    .optional()
    .describe("In place of the tool's own rule; null leaves it to the tool"),
});

/** A tool that an agent may use, as its row refers to it. */
export type AgentToolReference = z.infer<typeof agentToolSchema>;

const topicFields = {
  name: z.string().trim().min(1).max(200),
  description: z
    .string()
    .max(2000)
    .default('')
    .describe('What belongs to it; the model that chooses a topic reads this'),
  instructions: z.string().max(100_000).default('').describe("Added to the system prompt of the topic's turns"),
  keywords: z
    .array(z.string().trim().min(1).max(200))
    .max(200)
    .default([])
    .describe('A question with one of these words is of this topic'),
  tools: z
    .array(z.strictObject({ type: z.enum(toolTypes), id: idField }))
    .max(64)
    .default([])
    .describe("Those of the agent's tools that only turns of this topic have"),
};

/** A topic of an agent: what its turns are told, and which tools only they have. */
export const topicSchema = z.strictObject(topicFields);

export type Topic = z.infer<typeof topicSchema>;

const givenTopic = z
  .union([topicFields.name, topicSchema])
  .transform((given) => (typeof given === 'string' ? topicSchema.parse({ name: given }) : given));

/** What a turn may use up; see TurnLimits. */
export const turnLimitsSchema = z.strictObject({
  steps: z.int().min(1).max(1000).default(defaultTurnLimits.steps).describe('Calls of the model'),
  tokens: z.int().min(1).nullable().default(defaultTurnLimits.tokens),
  seconds: z
    .int()
    .min(1)
    .nullable()
    .default(defaultTurnLimits.seconds)
    .describe('Of work; waiting for people does not count'),
  cost: z
    .strictObject({
      amount: z.string().regex(/^\d{1,10}(\.\d{1,10})?$/, 'must be a decimal number in a string, such as "0.25"'),
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
    })
    .nullable()
    .default(defaultTurnLimits.cost)
    .describe('Of the calls of its models that are priced in this currency'),
});

const onBusy = z
  .enum(['queue', 'replace', 'refuse'])
  .describe('What happens to a message while a turn runs: it waits, it takes its place, or it is refused');

const configuration = {
  name: z.string(),
  description: z.string(),
  system_prompt: z.string(),
  model_id: idField,
  temperature: z.number().nullable(),
  max_tokens: z.int().nullable(),
  limits: turnLimitsSchema,
  on_busy: onBusy,
  fallback_models: z.array(idField).describe('Chat models that are tried in this order when the first one fails'),
  tools: z.array(agentToolSchema),
  topics: z.array(topicSchema),
  prompt_templates: z.array(idField).describe('In their order'),
};

/** An agent's configuration; each change of it raises `version`. */
export const agentSchema = z.strictObject({ id: idField, ...configuration, version: z.int(), ...timestampFields });

/** An agent's configuration as it was with one version. */
export const agentVersionSchema = z.strictObject({ version: z.int(), ...configuration, created_at: timeField });

/** An agent's configuration as `agent_versions` keeps it. */
export type AgentSnapshot = Omit<z.infer<typeof agentVersionSchema>, 'version' | 'created_at'>;

const model = z.string().min(1).max(200).describe('Name or id of a chat model');

const writable = {
  name: nameField,
  model,
  description: z.string().max(10_000),
  system_prompt: z.string().max(200_000),
  temperature: z.number().min(0).max(2).nullable(),
  max_tokens: z.int().min(1).nullable().describe('The most tokens that one answer of the model may have'),
  limits: turnLimitsSchema,
  on_busy: onBusy,
  fallback_models: z.array(model).max(8).describe('Names or ids, tried in this order when the first one fails'),
  tools: z.array(agentToolSchema).max(64),
  topics: z.array(givenTopic).max(100),
  prompt_templates: z.array(idField).max(64),
};

/** Body of `POST /agents`. */
export const createAgentSchema = z.strictObject({
  ...writable,
  description: writable.description.default(''),
  system_prompt: writable.system_prompt.default(''),
  temperature: writable.temperature.default(null),
  max_tokens: writable.max_tokens.default(null),
  limits: writable.limits.default(defaultTurnLimits),
  on_busy: writable.on_busy.default('queue'),
  fallback_models: writable.fallback_models.default([]),
  tools: writable.tools.default([]),
  topics: writable.topics.default([]),
  prompt_templates: writable.prompt_templates.default([]),
});

/** Body of `PATCH /agents/{id}`. */
export const updateAgentSchema = z.strictObject(writable).partial();
