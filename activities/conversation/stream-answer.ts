import type { FinishReason, TokenUsage } from '../../providers/chat-model.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { createDeltaWriter } from './delta-writer.ts';
import type { ModelCall } from './plan-model-call.ts';

/** What one model call gave; its text is already in the stream log. */
export type StreamedAnswer = {
  text: string;
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
  { model, request, callId }: ModelCall,
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const stop = new AbortController();
  const writer = createDeltaWriter(deps.turnEvents, attempt, stop, () =>
    deps.metrics.firstToken(Date.now() / 1000 - attempt.context.accepted_at),
  );
  const answer: StreamedAnswer = { text: '', usage: null, finish: 'other', callId, responseModel: null };
  try {
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
