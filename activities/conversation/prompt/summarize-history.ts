import { fillTemplate } from '../../../contracts/names/fill-template.ts';
import type { CountTokens } from '../../../domain/prompting/estimate-tokens.ts';
import type { BranchMessage } from '../../../domain/prompting/prompt-message.ts';
import {
  cutPieces,
  mostSummaryTokens,
  summaryPrompt,
  summaryVersion,
} from '../../../domain/prompting/summarize-branch.ts';
import type { PromptSource } from '../../../entities/conversations/prompt-source-repository.ts';
import { keepSummary } from '../../../entities/conversations/summary-repository.ts';
import type { ChatModel } from '../../../providers/chat-model.ts';
import type { Attempt } from '../begin-attempt.ts';
import type { ConversationDeps } from '../conversation-deps.ts';
import { summaryIdOf } from '../call-id.ts';
import { payForStep } from './pay-for-step.ts';
import { valuesOf } from './values-of.ts';

// A branch that was never summarised is so bit by bit, over several turns.
const mostPieces = 8;
// Of a piece, beside the summary so far and the new one.
const shareOfRoom = 0.6;
const charactersPerToken = 2;

/**
 * Has the model sum up the oldest messages of a branch, piece by piece, each in a step of its own that is kept and never
 * paid again. When the model fails, it stops there: history is then cut. Returns the attempt at the step behind.
 */
export async function summarizeHistory(
  deps: ConversationDeps,
  attempt: Attempt,
  work: {
    source: PromptSource;
    model: ChatModel;
    messages: readonly BranchMessage[];
    room: number;
    count: CountTokens;
  },
  signal: AbortSignal,
): Promise<Attempt> {
  const { source, model, messages, room, count } = work;
  const pieceTokens = Math.floor(room * shareOfRoom);
  const own = source.templates.find(({ type }) => type === 'summary');
  const filled = own && fillTemplate(own.template, own.variables, valuesOf(source));
  const ownInstructions = filled && 'text' in filled ? filled.text : null;
  let former = source.branch.summary?.content ?? '';
  let current = attempt;
  for (const piece of cutPieces(messages, pieceTokens, count).slice(0, mostPieces)) {
    const upToMessageId = piece.at(-1)!.id;
    const made = { content: '' };
    const longest = pieceTokens * charactersPerToken;
    current = await payForStep(
      deps,
      current,
      model,
      {
        kind: 'summarize',
        chat: {
          messages: summaryPrompt({ former, messages: piece, longest, ownInstructions }),
          temperature: 0,
          maxTokens: mostSummaryTokens,
        },
        request: { from: piece[0]!.id, to: upToMessageId, after: source.branch.summary?.upToMessageId ?? null },
        conclude: async (em, text, modelId) => {
          const content = text?.trim() ?? '';
          if (content === '') return { error: 'summary_missing' };
          made.content = content;
          const { workspaceId, conversationId } = current;
          const isKept = await keepSummary(em, {
            id: summaryIdOf(conversationId, upToMessageId, summaryVersion),
            ...{ workspaceId, conversationId, upToMessageId, version: summaryVersion, content },
            tokenCount: count(content),
            modelId,
          });
          return { up_to_message_id: upToMessageId, version: summaryVersion, kept: isKept };
        },
      },
      signal,
    );
    if (made.content === '') return current;
    former = made.content;
  }
  return current;
}
