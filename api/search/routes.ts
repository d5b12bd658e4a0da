import type { z } from 'zod';
import { searchRequestSchema, searchResultSchema, searchTestResultSchema } from '../../contracts/search.ts';
import { searchByTool } from '../../retrieval/search-by-tool.ts';
import type { SearchOutcome } from '../../retrieval/search-outcome.ts';
import { defaultUser } from '../framework/acting-user.ts';
import { defineRoute } from '../framework/route.ts';
import type { RouteDeps, RouteRequest } from '../framework/route.ts';
import { presentCandidate, presentHit, presentPlan } from './present-search.ts';

const common = {
  method: 'POST',
  tag: 'Search',
  scope: 'documents:read',
  body: searchRequestSchema,
  problems: [502, 504],
} as const;

/** Routes of search. */
export const searchRoutes = [
  defineRoute({
    ...common,
    path: '/search',
    summary: 'Find passages of the documents that a user may see, best first',
    description:
      'Sees the served generations of the global documents and of those of the user (the field user, else the header ' +
      'x-perdure-user, else `default`).',
    responses: { 200: searchResultSchema },
    example: { query: 'When is the office open?', top_k: 3, filters: { 'metadata.year': { gte: 2020 } } },
    handle: async (request, deps) => ({ status: 200, body: presentOutcome(await run(request, deps)) }),
  }),
  defineRoute({
    ...common,
    path: '/search/test',
    summary: 'Try a search out: what each list found, how they were fused, and how long each stage took',
    description:
      'Takes the same body and finds the same hits as `POST /search`, and shows besides every candidate with its rank and ' +
      'score by vector, by text and by their fusion, why it is no hit, and the time of each stage.',
    responses: { 200: searchTestResultSchema },
    example: { query: 'When is the office open?', top_k: 3, strategy: 'hybrid' },
    handle: async (request, deps) => {
      const outcome = await run(request, deps);
      return {
        status: 200,
        body: {
          ...presentOutcome(outcome),
          candidates: (outcome?.candidates ?? []).map(presentCandidate),
          timings: (outcome?.timings ?? []).map(({ stage, ms }) => ({ stage, ms: Math.round(ms * 1000) / 1000 })),
        },
      };
    },
  }),
];

function run(
  { body, principal, user }: RouteRequest<unknown, unknown, z.infer<typeof searchRequestSchema>>,
  deps: RouteDeps,
): Promise<SearchOutcome | null> {
  const externalId = body.user ?? user ?? defaultUser;
  return searchByTool(deps, { workspaceId: principal.workspaceId, body, user: { externalId } });
}

function presentOutcome(outcome: SearchOutcome | null): z.input<typeof searchResultSchema> {
  return {
    hits: (outcome?.hits ?? []).map(presentHit),
    plan: outcome && presentPlan(outcome.plan),
    warnings: outcome?.warnings ?? [],
  };
}
