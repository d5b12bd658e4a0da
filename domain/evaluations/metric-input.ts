import type { MetricInput } from '../metrics/metric.ts';
import { caseMessages, caseQuestion, type CaseInput } from './case-messages.ts';
import { relevanceOf, type FoundPassage } from './relevance.ts';

/** A case as it is stored, as far as metrics look at it. */
type JudgedCase = {
  input: CaseInput;
  expected_answer: string | null;
  expected_documents: readonly { document: string; grade: number }[];
  expected_chunks: readonly { document: string; chunk_index: number; grade: number }[];
  expected_tool_calls: readonly { name: string; arguments?: unknown }[] | null;
  is_unanswerable: boolean;
  metadata: Readonly<Record<string, unknown>>;
};

/** What the target made of the case. */
type JudgedOutput = {
  output: string | null;
  contexts: readonly (FoundPassage & { text: string })[];
  toolCalls: readonly { name: string; arguments: unknown }[];
  latencyMs: number | null;
  cost: number | null;
};

/** Puts case and output together for the metrics. */
export function metricInput(judged: JudgedCase, given: JudgedOutput): MetricInput {
  const alternatives = judged.metadata['alternative_answers'];
  return {
    question: caseQuestion(judged.input),
    messages: caseMessages(judged.input),
    answer: given.output,
    expectedAnswer: judged.expected_answer,
    alternativeAnswers: Array.isArray(alternatives)
      ? alternatives.filter((answer): answer is string => typeof answer === 'string')
      : [],
    contexts: given.contexts.map(({ document_id: documentId, chunk_index: chunkIndex, text }) => ({
      documentId,
      chunkIndex,
      text,
    })),
    ...relevanceOf(given.contexts, judged),
    toolCalls: given.toolCalls,
    expectedToolCalls:
      judged.expected_tool_calls?.map(({ name, arguments: value }) => ({ name, arguments: value ?? null })) ?? null,
    isUnanswerable: judged.is_unanswerable,
    latencyMs: given.latencyMs,
    cost: given.cost,
    metadata: judged.metadata,
  };
}
