import { fillTemplate } from '../../../contracts/names/fill-template.ts';
import { chooseTopic, readTopic, routingInstructions } from '../../../domain/turns/choose-topic.ts';
import type { PromptSource } from '../../../entities/conversations/prompt-source-repository.ts';
import { beginStep, finishStep } from '../../../entities/conversations/turn-step-repository.ts';
import { noteTopic } from '../../../entities/conversations/turn-topic-repository.ts';
import type { ChatModel } from '../../../providers/chat-model.ts';
import type { Attempt } from '../begin-attempt.ts';
import type { ConversationDeps } from '../conversation-deps.ts';
import { fenced } from '../turn-failure.ts';
import { payForStep } from './pay-for-step.ts';
import { valuesOf } from './values-of.ts';

// Enough to tell a topic by.
const longestQuestion = 4000;
// The answer is a line of JSON; models that think before it need room for that.
const mostAnswerTokens = 500;

/**
 * Chooses the topic of a turn and notes it with a step: by keywords, else by asking the model, else (there is none, or it
 * fails) the topic of the turn before. Returns the attempt at the step behind.
 */
export async function chooseTurnTopic(
  deps: ConversationDeps,
  attempt: Attempt,
  { source, model }: { source: PromptSource; model: ChatModel },
  signal: AbortSignal,
): Promise<Attempt> {
  const { topics } = source.agent;
  const question = source.question.content;
  const lastTopic = topics.some(({ name }) => name === source.lastTopic) ? source.lastTopic : null;
  const kept = { topic: lastTopic, by: 'kept' as const };
  const chosen = chooseTopic(topics, question) ?? (model.provider === 'extractive' ? kept : null);
  if (chosen !== null) return noteChoice(deps, attempt, chosen);
  const request = { topics: topics.map(({ name }) => name), last_topic: lastTopic };
  const own = source.templates.find(({ type }) => type === 'topic');
  const filled = own && fillTemplate(own.template, own.variables, valuesOf(source));
  const extra = filled && 'text' in filled ? `\n${filled.text}` : '';
  const chat = {
    messages: [
      { role: 'system' as const, content: routingInstructions(topics, lastTopic) + extra },
      { role: 'user' as const, content: question.slice(0, longestQuestion) },
    ],
    temperature: 0,
    maxTokens: mostAnswerTokens,
  };
  return payForStep(
    deps,
    attempt,
    model,
    {
      kind: 'route',
      chat,
      request: { ...request, messages: chat.messages },
      conclude: async (em, text) => {
        const topic = text === null ? undefined : readTopic(text, topics);
        const choice = topic === undefined ? kept : { topic, by: 'model' };
        await noteTopic(em, attempt.turnId, choice.topic);
        return choice;
      },
    },
    signal,
  );
}

async function noteChoice(
  deps: ConversationDeps,
  attempt: Attempt,
  response: { topic: string | null; by: string },
): Promise<Attempt> {
  const { workspaceId, turnId, step } = attempt;
  return deps.database.inWorkspace(workspaceId, async (em) => {
    const begun = { workspaceId, turnId, step, attempt: attempt.attempt, kind: 'route' as const, request: {} };
    if (!(await beginStep(em, begun))) throw fenced();
    await noteTopic(em, turnId, response.topic);
    if (!(await finishStep(em, { turnId, step, attempt: attempt.attempt, response }))) throw fenced();
    return { ...attempt, step: step + 1, done: [...attempt.done, { step, kind: 'route', request: {}, response }] };
  });
}
