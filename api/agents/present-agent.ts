import type { z } from 'zod';
import { topicSchema, turnLimitsSchema, type AgentSnapshot, type agentVersionSchema } from '../../contracts/agent.ts';
import type { VersionRow } from '../../entities/agents/version-repository.ts';
import { presentTime } from '../framework/present-time.ts';

/** An agent's configuration as the API shows it, with what its limits leave to the defaults. */
export function presentConfiguration(snapshot: AgentSnapshot): AgentSnapshot {
  return {
    name: snapshot.name,
    description: snapshot.description,
    system_prompt: snapshot.system_prompt,
    model_id: snapshot.model_id,
    temperature: snapshot.temperature,
    max_tokens: snapshot.max_tokens,
    limits: turnLimitsSchema.parse(snapshot.limits),
    on_busy: snapshot.on_busy,
    fallback_models: snapshot.fallback_models,
    tools: snapshot.tools,
    topics: snapshot.topics.map((topic) => topicSchema.parse(topic)),
    prompt_templates: snapshot.prompt_templates,
  };
}

/** A version of an agent as the API shows it. */
export function presentAgentVersion(row: VersionRow<'agent'>): z.input<typeof agentVersionSchema> {
  return { version: row.version, ...presentConfiguration(row.snapshot), created_at: presentTime(row.created_at) };
}
