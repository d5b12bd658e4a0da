import { quotePlace } from '../../domain/citations/quote-place.ts';
import { resolveCitations } from '../../domain/citations/resolve-citations.ts';
import { endStep, settleUsage } from '../../entities/conversations/turn-attempt-repository.ts';
import {
  appendEventsUnderLock,
  endTurnRow,
  lockConversationAndTurn,
  writeAnswer,
  writeCitations,
  type CitationToWrite,
} from '../../entities/conversations/turn-outcome-repository.ts';
import type { Attempt } from './begin-attempt.ts';
import { answerIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { passageText, quotedChunk } from './passage-text.ts';
import { modelStep } from './plan-model-call.ts';
import type { Passage } from './retrieve-passages.ts';
import type { StreamedAnswer } from './stream-answer.ts';
import { fenced } from './turn-failure.ts';

/** Commits message, citations, usage, step, the last events and the turn's end in one transaction, then wakes watchers. */
export async function commitAnswer(
  deps: ConversationDeps,
  attempt: Attempt,
  passages: readonly Passage[],
  answer: StreamedAnswer,
): Promise<void> {
  const citations = citationsOf(answer.text, passages);
  const messageId = answerIdOf(attempt.turnId);
  await deps.database.inWorkspace(attempt.workspaceId, async (em) => {
    const turn = await lockConversationAndTurn(em, attempt.conversationId, attempt.turnId);
    if (!turn || turn.state !== 'running' || turn.attempt !== attempt.attempt) throw fenced();
    const sequence = await writeAnswer(em, {
      ...attempt,
      messageId,
      tokenCount: answer.usage?.completionTokens ?? null,
      metadata: { model: answer.responseModel ?? attempt.context.model_name, finish_reason: answer.finish },
    });
    await writeCitations(em, attempt.workspaceId, messageId, citations);
    const unknown = { promptTokens: null, completionTokens: null, totalTokens: null };
    await settleUsage(em, answer.callId, answer.usage ?? unknown);
    await endStep(em, {
      turnId: attempt.turnId,
      step: modelStep,
      attempt: attempt.attempt,
      state: 'succeeded',
      response: { message_id: messageId, finish_reason: answer.finish, model: answer.responseModel },
    });
    await appendEventsUnderLock(em, attempt, [
      ...citations.map((citation) => ({ kind: 'citation' as const, data: citationEvent(citation) })),
      {
        kind: 'usage',
        data: {
          model: attempt.context.model_name,
          prompt_tokens: answer.usage?.promptTokens ?? null,
          completion_tokens: answer.usage?.completionTokens ?? null,
          total_tokens: answer.usage?.totalTokens ?? null,
        },
      },
      { kind: 'done', data: { message_id: messageId, sequence } },
    ]);
    await endTurnRow(em, { turnId: attempt.turnId, state: 'completed', messageId, error: null });
  });
  deps.wakeTurns([attempt.turnId]);
}

function citationsOf(text: string, passages: readonly Passage[]): CitationToWrite[] {
  const byNumber = new Map(passages.map((passage) => [passage.n, passage]));
  const citable = passages.map(({ n, hit }) => ({ n, text: passageText(hit).text }));
  return resolveCitations(text, citable).flatMap((citation) => {
    const passage = byNumber.get(citation.marker);
    if (!passage) return [];
    const { hit, embeddingModelId } = passage;
    const base = passageText(hit).start;
    const startChar = base + citation.start;
    const endChar = base + citation.end;
    const chunk = quotedChunk(hit, startChar, endChar);
    return {
      position: citation.position,
      marker: citation.marker,
      documentId: hit.documentId,
      generation: hit.generation,
      chunkIndex: chunk.chunkIndex,
      title: hit.title,
      sourceUrl: hit.sourceUrl ?? hit.sourcePath,
      startChar,
      endChar,
      quote: citation.quote,
      ...quotePlace(chunk.metadata, startChar - chunk.startChar, endChar - chunk.startChar),
      embeddingModelId,
    };
  });
}

function citationEvent(citation: CitationToWrite): Record<string, unknown> {
  return {
    position: citation.position,
    marker: citation.marker,
    document_id: citation.documentId,
    generation: citation.generation,
    chunk_index: citation.chunkIndex,
    title: citation.title,
    source_url: citation.sourceUrl,
    start_char: citation.startChar,
    end_char: citation.endChar,
    quote: citation.quote,
    page: citation.page,
    page_end: citation.pageEnd,
    page_label: citation.pageLabel,
    headings: citation.headings,
  };
}
