import { assemblePrompt } from '../../domain/prompting/assemble-prompt.ts';
import { startStep, startUsage } from '../../entities/turn-attempt-repository.ts';
import type { FinishReason, TokenUsage } from '../../providers/chat-model.ts';
import type { Attempt } from './begin-attempt.ts';
import { callIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { createDeltaWriter } from './delta-writer.ts';
import type { Passage } from './retrieve-passages.ts';
import { fenced } from './turn-failure.ts';

/** Step number of the model call. */
export const modelStep = 1;

// English text has about four characters a token; three leaves room for other languages and for the answer's own start.
const charactersPerToken = 3;
const answerTokensKept = 1024;

/** What one model call gave; its text is already in the stream log. */
export type StreamedAnswer = {
  text: string;
  usage: TokenUsage | null;
  finish: FinishReason;
  callId: string;
  responseModel: string | null;
};

/**
 * Calls the agent's model once and appends its text to the stream log while it arrives. The usage row exists before the
 * call does.
 * @throws ApplicationFailure `fenced` or `cancelled`, ProviderError of the model, the abort reason of `signal`.
 */
export async function streamAnswer(
  deps: ConversationDeps,
  attempt: Attempt,
  passages: readonly Passage[],
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const { context } = attempt;
  const model = deps.chatModel({
    provider: context.provider,
    modelId: context.provider_model_id,
    endpoint: context.endpoint,
    apiKey: context.api_key,
    capabilities: context.capabilities,
  });
  const numbered = passages.map(({ n, hit }) => ({ n, title: hit.title, text: hit.content }));
  const budgetTokens = Math.max(model.contextWindow - (context.max_tokens ?? answerTokensKept), 512);
  const messages = assemblePrompt({
    systemPrompt: context.system_prompt,
    passages: numbered,
    history: attempt.history,
    question: context.question,
    budgetCharacters: budgetTokens * charactersPerToken,
  });
  const callId = callIdOf(attempt.turnId, modelStep, attempt.attempt);
  await deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const started = await startStep(em, {
      ...attempt,
      step: modelStep,
      kind: 'model',
      request: {
        model: context.model_name,
        temperature: context.temperature,
        max_tokens: context.max_tokens,
        call_id: callId,
        messages,
      },
    });
    if (!started) throw fenced();
    await startUsage(em, {
      callId,
      workspaceId: attempt.workspaceId,
      agentId: context.agent_id,
      modelId: context.model_id,
      turnId: attempt.turnId,
      step: modelStep,
      attempt: attempt.attempt,
      pricing: context.pricing,
    });
  });

  const stop = new AbortController();
  const writer = createDeltaWriter(deps.turnEvents, attempt, stop, () =>
    deps.metrics.firstToken(Date.now() / 1000 - context.accepted_at),
  );
  const answer: StreamedAnswer = { text: '', usage: null, finish: 'other', callId, responseModel: null };
  try {
    const request = {
      messages,
      passages: numbered,
      callId,
      ...(context.temperature === null ? {} : { temperature: context.temperature }),
      ...(context.max_tokens === null ? {} : { maxTokens: context.max_tokens }),
    };
    for await (const event of model.stream(request, { signal: AbortSignal.any([signal, stop.signal]) })) {
      if (event.type === 'text') {
        answer.text += event.text;
        writer.write(event.text);
      } else if (event.type === 'usage') answer.usage = event;
      else if (event.type === 'finish') {
        answer.finish = event.reason;
        answer.responseModel = event.responseModel;
      }
    }
  } finally {
    // Also when the model failed: nothing of this attempt may be appended after it has reported its end.
    await writer.close();
  }
  return answer;
}
