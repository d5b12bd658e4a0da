import { fillTemplate } from '../../contracts/names/fill-template.ts';
import type { MissingVariable } from '../../contracts/names/template-values.ts';
import type { PromptType, TemplateValues, TemplateVariable } from '../../contracts/names/template-variables.ts';

/** A template in the place that its type gives it. */
export type PromptTemplateText = {
  readonly name: string;
  readonly type: PromptType;
  readonly template: string;
  readonly variables: readonly TemplateVariable[];
};

/** What the system message begins with, and the question as the model is asked it. */
export type FilledInstructions = { instructions: string[]; question: string; missing: MissingVariable[] };

/**
 * Fills an agent's templates: those of type `system` follow the system prompt, then the topic's instructions, then `tool`
 * (only where tools are offered) and `assistant` as an example of an answer. Those of type `user` put the question into
 * their words, one after another; one that does not use the question stands above it.
 */
export function fillInstructions(parts: {
  systemPrompt: string;
  topicInstructions: string;
  templates: readonly PromptTemplateText[];
  offersTools: boolean;
  question: string;
  values: TemplateValues;
}): FilledInstructions {
  const missing: MissingVariable[] = [];
  const fill = ({ name, template, variables }: PromptTemplateText, values: TemplateValues) => {
    const filled = fillTemplate(template, variables, values);
    if ('text' in filled) return filled.text;
    missing.push(...filled.unfilled.map((variable) => ({ template: name, ...variable })));
    return '';
  };
  const ofType = (type: PromptType) => parts.templates.filter((template) => template.type === type);
  const texts = (type: PromptType) => ofType(type).map((template) => fill(template, parts.values));
  const instructions = [
    parts.systemPrompt,
    ...texts('system'),
    parts.topicInstructions,
    ...(parts.offersTools ? texts('tool') : []),
    ...texts('assistant').map((text) => `An answer looks like this:\n${text.trim()}`),
  ].filter((text) => text.trim() !== '');
  let { question } = parts;
  for (const template of ofType('user')) {
    const text = fill(template, { ...parts.values, question });
    question = /\{\{\s*question\s*\}\}/.test(template.template) ? text : `${text}\n\n${question}`;
  }
  return { instructions, question, missing };
}
