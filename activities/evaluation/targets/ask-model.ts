import { estimateTokens } from '../../../domain/prompting/estimate-tokens.ts';
import { storableText } from '../../../domain/turns/storable-text.ts';
import { completeChat } from '../../../providers/chat/complete-chat.ts';
import type { ChatMessage, Passage, TokenUsage } from '../../../providers/chat-model.ts';
import { targetCallId } from '../evaluation-call-id.ts';
import type { ItemWork } from '../item-work.ts';
import type { TargetAnswer } from '../target-answer.ts';

/** Has the variant's model answer a prompt in one paid call, which is booked before. @throws CallFault when it fails. */
export async function askModel(
  work: ItemWork,
  messages: readonly ChatMessage[],
  passages: readonly Passage[],
): Promise<Omit<TargetAnswer, 'contexts' | 'toolCalls'>> {
  const { run, item, variant } = work;
  const model = work.model(variant.model, 'model');
  const callId = targetCallId(run.key.evaluationId, item.ordinal, item.attempt);
  const { pricing } = model;
  await work.write({ state: 'running', start: { callId, modelId: model.id, pricing } });
  work.open = { callId, ofMetric: false };
  let started = 0;
  const { value, usage } = await work.call(
    model,
    messages.reduce((sum, { content }) => sum + estimateTokens(content), 0),
    {
      call: () => {
        started = performance.now();
        return completeChat(
          work.chatModel(model),
          {
            messages,
            passages,
            callId,
            ...(variant.temperature !== null && { temperature: variant.temperature }),
            ...(variant.maxTokens !== null && { maxTokens: variant.maxTokens }),
          },
          run.signal,
        );
      },
      tokensOf: (given) => given.usage.totalTokens,
    },
  );
  work.open = null;
  return {
    output: storableText(value),
    prompt: messages.map(({ role, content }) => ({ role, content: storableText(content) })),
    latencyMs: performance.now() - started,
    settle: { callId, usage },
    cost: costOf(usage, pricing),
  };
}

/** For a metric, to the precision of a double; what is stored is computed by the database. */
function costOf({ promptTokens, completionTokens }: TokenUsage, pricing: Record<string, unknown>): number | null {
  const { input_per_million: input, output_per_million: output } = pricing;
  if (promptTokens === null || completionTokens === null || input === undefined || output === undefined) return null;
  return (promptTokens * Number(input) + completionTokens * Number(output)) / 1_000_000;
}
