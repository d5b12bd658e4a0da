import { setTimeout } from 'node:timers/promises';
import { PerdureError } from '../../contracts/errors.ts';
import type { MeasuredIndex } from '../../domain/vector-indexes/index-health.ts';
import { percentileOf } from '../../domain/vector-indexes/percentile-of.ts';
import { recallOf } from '../../domain/vector-indexes/recall-of.ts';
import {
  findNearestByIndex,
  findNearestExactly,
  sampleVectors,
} from '../../entities/agents/index-health-repository.ts';
import type { VectorIndexRow, VectorIndexState } from '../../entities/agents/vector-index-repository.ts';
import { readQuerySamples } from '../../entities/search/query-sample-repository.ts';
import type { Database } from '../../platform/database.ts';

/** Vectors to ask an index for, with the distances of those that are truly nearest to each. */
export type IndexQuestions = {
  metric: VectorIndexRow['metric'];
  /** Between these bounds the nearest are looked for. */
  segment: Pick<VectorIndexRow, 'from' | 'to'>;
  stored: number;
  /** Those that are stored come first, then those that were searched for. */
  vectors: readonly string[];
  exact: readonly number[][];
};

/** What measuring works with; `signal` ends it between two statements. */
export type Measuring = { database: Pick<Database, 'asOwner'>; modelId: string; signal: AbortSignal };

// As many as the product's search brings for ten hits, of which the ten nearest count.
const depth = 50;
const nearest = 10;
const mostOfEach = 60;
const fewestOfEach = 10;
// Rows that the exact searches together compare with: half a minute or so at 384 dimensions.
const mostComparisons = 30_000_000;
const exactAtOnce = 5;
const askedAtOnce = 20;
// Everybody waits who reads the table meanwhile: some 20 ms.
const askedAtOnceAlone = 5;
const attempts = 40;
const retryMs = 250;

/**
 * Draws vectors that are stored, takes those that were searched for lately, and finds the nearest of each by comparing with
 * all between the bounds of a segment. Those that are stored come from everywhere, as searches do.
 */
export async function askExactly(
  { database, modelId, signal }: Measuring,
  state: VectorIndexState,
  { metric, from: low, to }: Pick<VectorIndexRow, 'metric' | 'from' | 'to'>,
): Promise<IndexQuestions> {
  const segment = { from: low, to };
  const affordable = Math.floor(mostComparisons / 2 / Math.max(1, state.rows));
  const ofEach = Math.min(mostOfEach, Math.max(fewestOfEach, affordable));
  const stored = await database.asOwner((em) => sampleVectors(em, state, ofEach));
  const queries = await database.asOwner((em) => readQuerySamples(em, modelId, ofEach));
  const vectors = [...stored, ...queries];
  const exact: number[][] = [];
  for (let from = 0; from < vectors.length; from += exactAtOnce) {
    signal.throwIfAborted();
    const asked = vectors.slice(from, from + exactAtOnce);
    exact.push(
      ...(await database.asOwner((em) =>
        findNearestExactly(em, { state, metric, segment, vectors: asked, depth: nearest }),
      )),
    );
  }
  return { metric, segment, stored: stored.length, vectors, exact };
}

/** Recall and times of one index alone, also where another one could answer in its place. */
export async function measureIndex(
  measuring: Measuring,
  state: VectorIndexState,
  index: VectorIndexRow,
  { questions, breadth }: { questions: IndexQuestions; breadth: number },
): Promise<MeasuredIndex> {
  const { segment } = questions;
  const others = state.built.filter(
    (other) => other.metric === index.metric && other.oid !== index.oid && contains(other, segment),
  );
  const atOnce = others.length === 0 ? askedAtOnce : askedAtOnceAlone;
  const answers: { distances: number[]; ms: number }[] = [];
  for (let from = 0; from < questions.vectors.length; from += atOnce) {
    const vectors = questions.vectors.slice(from, from + atOnce);
    const asked = {
      state,
      metric: index.metric,
      segment,
      vectors,
      depth,
      index,
      breadth,
      others: others.map(({ name }) => name),
    };
    answers.push(...(await ask(measuring, asked)));
  }
  const times = answers.map(({ ms }) => ms);
  const recalls = answers.map(({ distances }, place) => recallOf(distances, questions.exact[place]!, nearest));
  return {
    recall: { stored: mean(recalls.slice(0, questions.stored)), queries: mean(recalls.slice(questions.stored)) },
    p50Ms: rounded(percentileOf(times, 0.5)),
    p95Ms: rounded(percentileOf(times, 0.95)),
    bytes: index.bytes,
  };
}

/** Whether an index could answer for a segment. */
function contains(index: VectorIndexRow, { from, to }: Pick<VectorIndexRow, 'from' | 'to'>): boolean {
  const beginsBefore = index.from === null || (from !== null && index.from <= from);
  const endsAfter = index.to === null || (to !== null && index.to >= to);
  return beginsBefore && endsAfter;
}

async function ask(
  { database, signal }: Measuring,
  asked: Parameters<typeof findNearestByIndex>[1],
): ReturnType<typeof findNearestByIndex> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await database.asOwner((em) => findNearestByIndex(em, asked));
    } catch (error) {
      if ((error as { code?: unknown }).code !== '55P03') throw error;
      await setTimeout(retryMs, undefined, { signal });
    }
  }
  throw new PerdureError(
    'unavailable',
    'The vectors were locked by others for ten seconds, so their index could not be measured. It is tried again.',
  );
}

function mean(recalls: readonly (number | null)[]): number | null {
  const known = recalls.filter((recall) => recall !== null);
  return known.length === 0 ? null : Number((known.reduce((a, b) => a + b, 0) / known.length).toFixed(4));
}

function rounded(ms: number): number {
  return Number(ms.toFixed(3));
}
