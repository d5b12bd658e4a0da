import { describePlace } from '../../contracts/describe-place.ts';
import { presentPassage, type NumberedPassage } from '../../domain/prompting/present-passage.ts';
import type { PromptToolCall, TakenStep } from '../../domain/prompting/prompt-message.ts';
import type { CallResultRow } from '../../entities/conversations/tool-call-repository.ts';
import type { CompletedStep } from '../../entities/conversations/turn-step-repository.ts';
import { passageText, type Passage } from './passage-text.ts';

/** A passage as a prompt shows it. */
export function toNumbered(passage: Passage): NumberedPassage {
  const { text, metadata } = passageText(passage);
  const { n, title } = passage;
  return { n, title, text, place: describePlace(metadata), lead: metadata.table_header ?? '' };
}

/** The passages that a turn has found so far: those of its retrieval, then those of its calls of tools. */
export function passagesOf(done: readonly CompletedStep[], results: readonly CallResultRow[]): Passage[] {
  const retrieved = done.flatMap((step) => (step.kind === 'retrieve' ? readPassages(step.response['passages']) : []));
  const all = [...retrieved, ...results.flatMap((call) => readPassages(call.passages))];
  return [...new Map(all.map((passage) => [passage.n, passage])).values()];
}

/** The passages that the turn's retrieval has found. */
export function retrievedPassages(done: readonly CompletedStep[]): Passage[] {
  return passagesOf(done, []);
}

/** The model's former steps of a turn with what their calls gave, as a prompt repeats them. */
export function takenSteps(done: readonly CompletedStep[], results: readonly CallResultRow[]): TakenStep[] {
  return done
    .filter((step) => step.kind === 'model')
    .map(({ step, response }) => ({
      step,
      text: textOf(response),
      toolCalls: (response['tool_calls'] ?? []) as PromptToolCall[],
      results: results
        .filter((call) => call.step === step)
        .map((call) => ({
          callId: call.id,
          toolCallId: call.provider_call_id,
          name: call.tool_name,
          content: resultText(call),
          isError: call.state !== 'succeeded',
        })),
    }));
}

/** What the model said in a step. */
export function textOf({ text }: CompletedStep['response']): string {
  return typeof text === 'string' ? text : '';
}

/** What a call gave as a prompt repeats it: its text, then the passages that it found. */
export function resultText({ result, passages }: { result: string | null; passages: unknown }): string {
  return [result ?? '', ...readPassages(passages).map((passage) => presentPassage(toNumbered(passage)))]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** How many passages a call has found, of what its row keeps. */
export function countPassages(stored: unknown): number {
  return readPassages(stored).length;
}

// Written by this code alone, so that their form is known.
function readPassages(stored: unknown): Passage[] {
  return Array.isArray(stored) ? (stored as Passage[]) : [];
}
