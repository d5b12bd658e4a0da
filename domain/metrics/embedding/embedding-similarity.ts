import { higherIsBetter } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { rightAnswers } from '../text/best-reference.ts';
import { askSimilarities } from './ask-embeddings.ts';

/** The cosine of the embeddings of answer and right answer, -1 to 1; of several right answers the closest. */
export const embeddingSimilarity: Metric = {
  name: 'embedding_similarity',
  title: 'Embedding similarity',
  kind: 'embedding',
  asks: () => ['embedding'],
  range: () => [-1, 1],
  higherIsBetter,
  needs: ['answer', 'expectedAnswer'],
  parameters: {},
  required: [],
  source: 'Cosine similarity; ragas 0.4, SemanticSimilarity, without a threshold',
  *judge(input) {
    if (input.answer === '') return { state: 'scored', score: 0, reason: 'The answer is empty.' };
    const compared = yield* askSimilarities('embedding similarity', input.answer!, rightAnswers(input));
    if (compared.state === 'unscored') return compared;
    return { state: 'scored', score: Math.max(...compared.cosines) };
  },
};
