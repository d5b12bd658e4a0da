import { queryTerms } from '../domain/lexical/query-terms.ts';
import type { QueryTerms } from '../domain/lexical/query-terms.ts';
import type { SearchDependencies } from './search-dependencies.ts';
import type { SearchRequest } from './search-request.ts';

/** The words that full text looks up: their keys, and how they read after analysis, each once. */
export function analyzeQuery(
  analyzer: SearchDependencies['textAnalyzer'],
  text: string,
  { workspaceId, languages }: SearchRequest,
): { terms: QueryTerms; shown: string[] } {
  const analyses = (languages?.length ? languages : ['en']).map((language) => analyzer.analyze(text, language));
  return { terms: queryTerms(workspaceId, analyses), shown: [...new Set(analyses.flat())] };
}
