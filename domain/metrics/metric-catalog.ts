import { endpoint } from './custom/endpoint.ts';
import { embeddingSimilarity } from './embedding/embedding-similarity.ts';
import { answerCorrectness } from './judges/answer-correctness.ts';
import { answerRelevancy } from './judges/answer-relevancy.ts';
import { contextPrecision } from './judges/context-precision.ts';
import { contextRecall } from './judges/context-recall.ts';
import { contextRelevance } from './judges/context-relevance.ts';
import { faithfulness } from './judges/faithfulness.ts';
import { refusal } from './judges/refusal.ts';
import { rubric } from './judges/rubric.ts';
import type { Metric } from './metric.ts';
import { cost } from './operations/cost.ts';
import { latency } from './operations/latency.ts';
import { toolCallAccuracy } from './operations/tool-call-accuracy.ts';
import { hitRate } from './ranked/hit-rate.ts';
import { idContextPrecision, idContextRecall } from './ranked/id-context.ts';
import { ndcg } from './ranked/ndcg.ts';
import { precision } from './ranked/precision.ts';
import { recall } from './ranked/recall.ts';
import { reciprocalRank } from './ranked/reciprocal-rank.ts';
import { bleu } from './text/bleu.ts';
import { contains } from './text/contains.ts';
import { exactMatch } from './text/exact-match.ts';
import { jsonSchema } from './text/json-schema.ts';
import { levenshtein } from './text/levenshtein.ts';
import { regex } from './text/regex.ts';
import { rougeL } from './text/rouge-l.ts';
import { tokenF1 } from './text/token-f1.ts';

/** All metrics there are. To add one, write its file and list it here. */
export const metricCatalog: readonly Metric[] = [
  exactMatch,
  contains,
  regex,
  jsonSchema,
  levenshtein,
  tokenF1,
  rougeL,
  bleu,
  embeddingSimilarity,
  latency,
  cost,
  toolCallAccuracy,
  recall,
  precision,
  reciprocalRank,
  ndcg,
  hitRate,
  idContextPrecision,
  idContextRecall,
  contextPrecision,
  contextRecall,
  faithfulness,
  answerRelevancy,
  answerCorrectness,
  contextRelevance,
  refusal,
  rubric,
  endpoint,
];
