import type { ExampleRun } from '../run-evaluation.ts';

// How the extractive answerer says that it has found nothing.
const refusal = 'None of the passages found in the documents answers this question.';

/**
 * What is measured: the tool `documents`, whose passages the built-in extractive answerer quotes from. It quotes whole
 * sentences, so `contains` says whether the answer is there, and `token_f1` how much stands around it.
 */
export const squadRun: ExampleRun = {
  target: { type: 'rag_tool', rag_tool: 'documents', model: 'extractive' },
  metrics: [
    'hit_rate@5',
    'mrr',
    'contains',
    { name: 'token_f1', parameters: { refusal_phrases: [refusal] } },
    { name: 'refusal', parameters: { phrases: [refusal] } },
    'latency_ms',
  ],
  gates: ['hit_rate@5>=0.9', 'contains>=0.6'],
};
