import { queryTerms } from '../../domain/lexical/query-terms.ts';
import { query } from '../../entities/sql.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { Breach, Check } from './breach.ts';

const sampled = 20;
const depth = 100;

/**
 * Invariant 3: nothing of a deleted, staging or abandoned generation is found by search. Searches for the very text and
 * vector of chunks that must not be found, as their owner and without one.
 */
export const checkSearch: Check = async ({ em }) => {
  const served = await query<{ id: string; detail: string }>(
    em,
    `select d.id, 'search serves generation ' || d.active_generation || ', which is ' || coalesce(g.state, 'gone')
            || case when d.deleted_at is null then '' else ' and whose document is deleted' end as detail
     from documents d
     left join document_generations g on g.document_id = d.id and g.generation = d.active_generation
     where d.active_generation is not null and (g.state is distinct from 'active' or d.deleted_at is not null)`,
  );
  const hidden = await query<{
    workspace_id: string;
    user_id: string | null;
    document_id: string;
    generation: number;
    chunk_index: number;
    content: string;
    language: string | null;
    model_id: string | null;
    embedding: string | null;
  }>(
    em,
    `select c.workspace_id, d.user_id, c.document_id, c.generation, c.chunk_index, c.content, g.language, e.model_id,
            e.embedding::text as embedding
     from document_chunks c
     join documents d on d.id = c.document_id
     join document_generations g on g.document_id = c.document_id and g.generation = c.generation
     left join chunk_embeddings e on e.workspace_id = c.workspace_id and e.document_id = c.document_id
       and e.generation = c.generation and e.chunk_index = c.chunk_index
     where g.state <> 'active' or d.deleted_at is not null
     order by c.created_at desc limit $1`,
    [sampled],
  );
  const breaches: Breach[] = served.map((row) => ({ invariant: 3, entity: 'document', ...row }));
  for (const chunk of hidden) {
    if (chunk.model_id === null) continue;
    const analysed = textAnalyzer.analyze(chunk.content.slice(0, 300), chunk.language ?? 'en');
    const words = queryTerms(chunk.workspace_id, [analysed]);
    const [found] = await query(
      em,
      `select 1 from json_array_elements(
         hybrid_search($1, $2, null, null, $3, $4::vector, $5, $6, 'hybrid', 'cosine', $7, $7) -> 'candidates') h
       where h ->> 0 = $8 and (h ->> 1)::integer = $9 and (h ->> 2)::integer = $10`,
      [
        chunk.workspace_id,
        chunk.user_id,
        chunk.model_id,
        chunk.embedding,
        words.keys,
        words.weights,
        depth,
        chunk.document_id,
        chunk.generation,
        chunk.chunk_index,
      ],
    );
    if (found)
      breaches.push({
        invariant: 3,
        entity: 'document',
        id: chunk.document_id,
        detail: `search finds chunk ${chunk.chunk_index} of generation ${chunk.generation}, which is not active`,
      });
  }
  return breaches;
};
