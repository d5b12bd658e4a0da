import type { EntityManager } from '@mikro-orm/postgresql';
import { quotePlace } from '../../domain/citations/quote-place.ts';
import { resolveCitations } from '../../domain/citations/resolve-citations.ts';
import { answerWarning } from '../../domain/turns/answer-warning.ts';
import {
  lockConversationAndTurn,
  writeAnswer,
  writeCitations,
  type CitationToWrite,
  type EventToAppend,
} from '../../entities/conversations/turn-outcome-repository.ts';
import { completeTurn } from '../../entities/conversations/turn-call-repository.ts';
import { settleUsage, unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { betweenSteps, saidBefore, type Attempt } from './begin-attempt.ts';
import { answerIdOf } from './call-id.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { passageText, quotedChunk, type Passage } from './passage-text.ts';
import type { StreamedAnswer } from './stream-answer.ts';
import { fenced } from './turn-failure.ts';

/** Commits message, citations, usage, step, the last events and the turn's end in one transaction, then wakes watchers. */
export async function commitAnswer(
  deps: ConversationDeps,
  attempt: Attempt,
  passages: readonly Passage[],
  answer: StreamedAnswer,
): Promise<void> {
  const said = [saidBefore(attempt), answer.text].filter((text) => text !== '').join(betweenSteps);
  const citations = citationsOf(said, passages);
  const messageId = answerIdOf(attempt.turnId);
  const warning = answerWarning(said, answer.finish);
  const { adoption } = attempt;
  let noted: typeof adoption.by = null;
  const commit = async (em: EntityManager): Promise<void> => {
    const turn = await lockConversationAndTurn(em, attempt.conversationId, attempt.turnId);
    if (turn?.state !== 'running' || turn.attempt !== attempt.attempt || turn.step !== attempt.step) throw fenced();
    const sequence = await writeAnswer(em, {
      ...attempt,
      messageId,
      tokenCount: answer.usage?.completionTokens ?? null,
      metadata: { model: answer.responseModel ?? attempt.context.model_name, finish_reason: answer.finish },
    });
    await writeCitations(em, attempt.workspaceId, messageId, citations);
    await settleUsage(em, answer.callId, answer.usage ?? unknownUsage, { wasAnswered: true });
    noted = adoption.by;
    await completeTurn(em, {
      ...attempt,
      messageId,
      run: noted,
      events: [
        ...citations.map((citation) => ({ kind: 'citation' as const, data: citationEvent(citation) })),
        usageEvent(attempt, answer),
        ...(warning === null ? [] : [{ kind: 'warning' as const, data: warning }]),
        { kind: 'done', data: { message_id: messageId, sequence } },
      ],
      response: {
        text: answer.text,
        finish_reason: answer.finish,
        model: answer.responseModel,
        message_id: messageId,
        ...(answer.toolCalls.length === 0 ? {} : { tool_calls: answer.toolCalls }),
      },
    });
  };
  await deps.database.inWorkspace(attempt.workspaceId, commit, 'kept');
  adoption.isNoted ||= noted !== null;
  deps.wakeTurns([attempt.turnId]);
}

/** Tells what one call of the model has used. */
export function usageEvent({ context, step }: Attempt, { usage }: StreamedAnswer): EventToAppend {
  return {
    kind: 'usage',
    data: {
      step,
      model: context.model_name,
      prompt_tokens: usage?.promptTokens ?? null,
      completion_tokens: usage?.completionTokens ?? null,
      total_tokens: usage?.totalTokens ?? null,
    },
  };
}

function citationsOf(text: string, passages: readonly Passage[]): CitationToWrite[] {
  const byNumber = new Map(passages.map((passage) => [passage.n, passage]));
  const citable = passages.map((passage) => ({ n: passage.n, text: passageText(passage).text }));
  return resolveCitations(text, citable).flatMap((citation) => {
    const passage = byNumber.get(citation.marker);
    if (!passage) return [];
    const base = passageText(passage).start;
    const startChar = base + citation.start;
    const endChar = base + citation.end;
    const chunk = quotedChunk(passage, startChar, endChar);
    return {
      position: citation.position,
      marker: citation.marker,
      documentId: passage.documentId,
      generation: passage.generation,
      chunkIndex: chunk.chunkIndex,
      title: passage.title,
      sourceUrl: passage.sourceUrl ?? passage.sourcePath,
      startChar,
      endChar,
      quote: citation.quote,
      ...quotePlace(chunk.metadata, startChar - chunk.startChar, endChar - chunk.startChar),
      embeddingModelId: passage.embeddingModelId,
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
