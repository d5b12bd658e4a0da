import { joinChunks } from '../domain/ranking/join-chunks.ts';
import { readHits } from '../entities/search/search-repository.ts';
import type { HitRow } from '../entities/search/search-repository.ts';
import type { Ranked } from './find-ranked.ts';
import type { SearchHit } from './search-outcome.ts';
import type { SearchRequest } from './search-request.ts';
import type { SearchDependencies } from './search-dependencies.ts';

/** Reads the text of the chosen candidates and of their neighbours; one that is served no more is missing. */
export async function readRanked(
  database: SearchDependencies['database'],
  chosen: readonly Ranked[],
  request: SearchRequest,
): Promise<SearchHit[]> {
  if (chosen.length === 0) return [];
  const { workspaceId, userId, neighbours = 0 } = request;
  const rows = await database.autocommit((em) => readHits(em, { workspaceId, userId, keys: chosen, neighbours }));
  return rows.map((row) => toHit(row, chosen[row.place - 1]!));
}

function toHit(row: HitRow, { documentId, generation, chunkIndex, vector, text, score }: Ranked): SearchHit {
  return {
    documentId,
    generation,
    chunkIndex,
    title: row.title,
    sourceUrl: row.source_url,
    sourcePath: row.source_path,
    documentMetadata: row.document_metadata,
    content: row.content,
    startChar: row.start_char,
    endChar: row.end_char,
    metadata: row.metadata,
    context: row.around && {
      content: joinChunks(row.around),
      startChar: row.around[0]!.start,
      endChar: row.around.at(-1)!.end,
      chunks: row.around.map(({ chunk_index, start, end, metadata }) => ({
        chunkIndex: chunk_index,
        startChar: start,
        endChar: end,
        metadata,
      })),
    },
    score,
    vector,
    text,
    rerankScore: null,
  };
}
