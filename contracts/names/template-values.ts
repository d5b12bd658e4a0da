import type { TemplateValues } from './template-variables.ts';

/** A variable of a template that has no value, or a wrong one. */
export type MissingVariable = { template: string; name: string; reason: string };

/** Values that Perdure gives, and those of the conversation's metadata; the former go before the latter. */
export function templateValues(given: {
  metadata: TemplateValues;
  question: string;
  date: string;
  user: string;
  userName: string | null;
  agent: string;
  title: string;
  topic: string | null;
}): TemplateValues {
  const { metadata, question, date, user, userName, agent, title, topic } = given;
  return {
    ...metadata,
    ...{ question, date, user, user_name: userName ?? user, agent, conversation_title: title, topic: topic ?? '' },
  };
}

/** What is wrong with variables that cannot be filled, and what to do about it. */
export function describeMissing(missing: readonly MissingVariable[]): string {
  const listed = missing.map(
    ({ template, name, reason }) => `{{${name}}} of the prompt template "${template}" ${reason}`,
  );
  return `${listed.join('; ')}. Set it in the conversation's metadata, or give the variable a default.`;
}
