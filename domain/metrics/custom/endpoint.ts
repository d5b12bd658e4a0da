import type { Metric } from '../metric.ts';
import { readJson } from '../read-json.ts';
import { boundsOf, boundsSchema } from '../score-bounds.ts';
import { findMistake } from '../value-schema.ts';
import type { ValueSchema } from '../value-schema.ts';

const replySchema: ValueSchema = {
  type: 'object',
  properties: { score: { type: 'number' }, reason: { type: 'string' }, details: { type: 'object' } },
  required: ['score'],
};

/** A metric of one's own behind an HTTP address: it gets the case and the answer, and gives `{"score", "reason"?, "details"?}`. */
export const endpoint: Metric = {
  name: 'endpoint',
  title: 'Endpoint',
  kind: 'custom',
  range: (parameters) => boundsOf(parameters, 'range'),
  higherIsBetter: (parameters) => parameters['higher_is_better'] !== false,
  needs: [],
  parameters: {
    url: { type: 'string', minLength: 1, description: 'The address that the case is posted to, as JSON.' },
    range: boundsSchema('number', { default: [0, 1], description: 'The least and the greatest score.' }),
    higher_is_better: { type: 'boolean', default: true, description: 'Whether a greater score is better.' },
  },
  required: ['url'],
  source: 'Whatever the endpoint computes',
  *judge(input, parameters) {
    const body = {
      question: input.question,
      messages: input.messages,
      answer: input.answer,
      expected_answer: input.expectedAnswer,
      alternative_answers: input.alternativeAnswers,
      contexts: input.contexts.map(({ documentId, chunkIndex, text }) => ({
        document_id: documentId,
        chunk_index: chunkIndex,
        text,
      })),
      ranked: input.ranked,
      relevant: input.relevant,
      tool_calls: input.toolCalls,
      expected_tool_calls: input.expectedToolCalls,
      is_unanswerable: input.isUnanswerable,
      latency_ms: input.latencyMs,
      cost: input.cost,
      metadata: input.metadata,
    };
    const reply = yield { kind: 'endpoint', purpose: 'a score of its own', url: String(parameters['url']), body };
    if (reply.state === 'failed') return { state: 'unscored', reason: reply.reason };
    const json = readJson(reply.state === 'answered' ? reply.text : '', { isFencedOnly: true });
    if (json.state === 'unusable') return { state: 'unscored', reason: `The endpoint: ${json.reason}`, unusable: 1 };
    const mistake = findMistake(replySchema, json.value, 'its answer');
    if (mistake !== null) {
      return { state: 'unscored', reason: `The endpoint cannot be used: ${mistake}.`, unusable: 1 };
    }
    const { score, reason, details } = json.value as {
      score: number;
      reason?: string;
      details?: Record<string, unknown>;
    };
    return {
      state: 'scored',
      score,
      ...(reason !== undefined && { reason }),
      ...(details !== undefined && { details }),
    };
  },
};
