import type { z } from 'zod';
import type { searchHitSchema, searchPlanSchema, searchTestResultSchema } from '../../contracts/search.ts';
import type { SearchHit, SearchPlan, TestedCandidate } from '../../retrieval/search-outcome.ts';

/** A hit as the API shows it. */
export function presentHit(hit: SearchHit): z.input<typeof searchHitSchema> {
  return {
    document_id: hit.documentId,
    generation: hit.generation,
    chunk_index: hit.chunkIndex,
    title: hit.title,
    source_url: hit.sourceUrl,
    path: hit.sourcePath,
    content: hit.content,
    start_char: hit.startChar,
    end_char: hit.endChar,
    metadata: hit.metadata,
    document_metadata: hit.documentMetadata,
    context: hit.context && {
      content: hit.context.content,
      start_char: hit.context.startChar,
      end_char: hit.context.endChar,
      chunks: hit.context.chunks.map(({ chunkIndex, startChar, endChar }) => ({
        chunk_index: chunkIndex,
        start_char: startChar,
        end_char: endChar,
      })),
    },
    score: hit.score,
    vector: hit.vector,
    text: hit.text,
    rerank_score: hit.rerankScore,
  };
}

/** A candidate as the retrieval test shows it; `index` is its place in the fusion's order, from 0. */
export function presentCandidate(
  candidate: TestedCandidate,
  index: number,
): z.input<typeof searchTestResultSchema>['candidates'][number] {
  return {
    document_id: candidate.documentId,
    generation: candidate.generation,
    chunk_index: candidate.chunkIndex,
    vector: candidate.vector,
    text: candidate.text,
    fusion: { rank: index + 1, score: candidate.score },
    hit: candidate.hit,
    left_out: candidate.leftOut,
  };
}

/** How a search was run, as the API shows it. */
export function presentPlan(plan: SearchPlan): z.input<typeof searchPlanSchema> {
  return {
    strategy: plan.strategy,
    candidates: plan.candidates,
    fusion: plan.fusion && {
      method: plan.fusion.method,
      weights: plan.fusion.weights,
      k: plan.fusion.method === 'rrf' ? plan.fusion.k : null,
    },
    vector: plan.vector,
    text: plan.text && { terms: [...plan.text.terms], found: plan.text.found },
    rewritten_query: plan.rewrittenQuery,
    reranked: plan.reranked,
  };
}
