import type { FinishReason, TokenUsage, ToolCall } from '../../providers/chat-model.ts';
import { betweenSteps, saidBefore, type Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { createDeltaWriter } from './delta-writer.ts';
import type { ModelCall } from './plan-model-call.ts';
import { createTextJoiner, storableText } from '../../domain/turns/storable-text.ts';

/** What one model call gave; its text is already in the stream log. */
export type StreamedAnswer = {
  text: string;
  toolCalls: ToolCall[];
  usage: TokenUsage | null;
  finish: FinishReason;
  callId: string;
  responseModel: string | null;
};

/**
 * Makes a model call once and appends its text to the stream log while it arrives. The call was recorded before.
 * @throws ApplicationFailure `fenced` or `cancelled`, ProviderError of the model, the abort reason of `signal`.
 */
export async function streamAnswer(
  deps: ConversationDeps,
  attempt: Attempt,
  { model, request, callId, nextSeq }: ModelCall,
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const stop = new AbortController();
  const writer = createDeltaWriter(deps.turnEvents, attempt, nextSeq, stop, () => {
    if (attempt.step === attempt.done.filter((step) => step.kind !== 'model').length)
      deps.metrics.firstToken(Date.now() / 1000 - attempt.context.accepted_at);
  });
  const answer: StreamedAnswer = {
    text: '',
    toolCalls: [],
    usage: null,
    finish: 'other',
    callId,
    responseModel: null,
  };
  const joinText = createTextJoiner();
  const joinReasoning = createTextJoiner();
  const lead = saidBefore(attempt) === '' ? '' : betweenSteps;
  try {
    for await (const event of model.stream(request, { signal: AbortSignal.any([signal, stop.signal]) })) {
      if (event.type === 'text') {
        const text = joinText(event.text);
        if (text === '') continue;
        writer.write(answer.text === '' ? lead + text : text);
        answer.text += text;
      } else if (event.type === 'reasoning') {
        const text = joinReasoning(event.text);
        if (text !== '') writer.write(text, 'reasoning_delta');
      } else if (event.type === 'tool-call')
        answer.toolCalls.push({
          id: storableText(event.id),
          name: storableText(event.name),
          arguments: storableText(event.arguments),
        });
      else if (event.type === 'usage') answer.usage = event;
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
