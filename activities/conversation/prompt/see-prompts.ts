import type { PromptMessage } from '../../../domain/prompting/prompt-message.ts';
import { earlierStepKey, expandPrompt, type StoredPrompt } from '../../../domain/prompting/stored-prompt.ts';
import type { PromptReferences } from '../../../entities/conversations/prompt-reference-repository.ts';
import { countPassages, resultText } from '../taken-steps.ts';

/** The prompts of a turn's calls of the model, by step, exactly as they were sent. */
export function seePrompts({
  requests,
  steps,
  messages,
  calls,
  earlierSteps,
}: PromptReferences): Map<number, PromptMessage[]> {
  // Written by this product alone, so that their form is known.
  const prompts = new Map([...requests].map(([step, request]) => [step, request as StoredPrompt]));
  const results = [...calls.values()].map(
    (call) =>
      [
        call.id,
        { toolCallId: call.toolCallId, name: call.name, content: resultText(call), isError: call.isError },
      ] as const,
  );
  const rows = {
    ...{ messages, steps, calls: new Map(results) },
    earlierSteps: new Map(
      earlierSteps.map(({ turnId, step, toolCalls }) => [earlierStepKey(turnId, step), toolCalls] as const),
    ),
    earlierCalls: new Map(
      [...calls.values()].map(
        (call) => [call.id, { ...call, content: call.result ?? '', passages: countPassages(call.passages) }] as const,
      ),
    ),
  };
  return new Map([...requests.keys()].map((step) => [step, expandPrompt(step, prompts, rows)]));
}
