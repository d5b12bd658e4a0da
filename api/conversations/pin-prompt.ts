import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { fillTemplate } from '../../contracts/names/fill-template.ts';
import { describeMissing, templateValues, type MissingVariable } from '../../contracts/names/template-values.ts';
import { givenVariables } from '../../contracts/names/template-variables.ts';
import { readPromptPin, type PromptPin as StoredPin } from '../../entities/agents/agent-template-repository.ts';

/** The versions that a turn is served with: of its agent, and of the agent's prompt templates by id. */
export type TurnVersions = { agent: number; templates: Record<string, number> };

/** The versions for a turn that is accepted now, and what its templates lack; null when there is no conversation. */
export type PromptPin = { versions: TurnVersions; missing: MissingVariable[] };

/** Finds out with which versions a question would be answered now, and whether their variables can be filled. */
export async function pinPrompt(
  em: EntityManager,
  { conversationId, question }: { conversationId: string; question: string },
): Promise<PromptPin | null> {
  const pin = await readPromptPin(em, conversationId);
  return pin && fillPin(pin, question);
}

/** Tries out whether the variables of templates can be filled for a question. */
export function fillPin(pin: StoredPin, question: string): PromptPin {
  const { metadata, user, userName, agentName: agent, title, templates } = pin;
  const date = new Date().toISOString().slice(0, 10);
  const values = templateValues({ metadata, question, date, user, userName, agent, title, topic: null });
  const missing = templates.flatMap(({ name, type, template, variables }) => {
    // What Perdure gives later, such as the answer that a title is made for, is not missing now.
    const later = Object.fromEntries(givenVariables(type).map((given) => [given, '']));
    const filled = fillTemplate(template, variables, { ...later, ...values });
    return 'text' in filled ? [] : filled.unfilled.map((variable) => ({ template: name, ...variable }));
  });
  const versions = Object.fromEntries(templates.map(({ id, version }) => [id, version]));
  return { versions: { agent: pin.agentVersion, templates: versions }, missing };
}

/** @throws PerdureError `prompt_variable_missing`, naming each variable and its template. */
export function requireFilled({ missing }: PromptPin): void {
  if (missing.length === 0) return;
  throw new PerdureError('prompt_variable_missing', describeMissing(missing), { missing });
}
