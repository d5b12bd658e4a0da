import { templateValues } from '../../../contracts/names/template-values.ts';
import type { TemplateValues } from '../../../contracts/names/template-variables.ts';
import type { PromptSource } from '../../../entities/conversations/prompt-source-repository.ts';

/** The values from which a turn's templates are filled. */
export function valuesOf({ agent, user, conversation, question, topic, date }: PromptSource): TemplateValues {
  return templateValues({
    metadata: conversation.metadata,
    question: question.content,
    date,
    user: user.externalId,
    userName: user.displayName,
    agent: agent.name,
    title: conversation.title,
    topic,
  });
}
