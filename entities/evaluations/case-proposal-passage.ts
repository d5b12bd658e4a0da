import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One passage that a model is asked about, what it said, and which of its questions could not be used. */
export const CaseProposalPassage = defineEntity({
  name: 'CaseProposalPassage',
  tableName: 'case_proposal_passages',
  properties: {
    proposalId: p.uuid().primary(),
    ordinal: p.integer().primary(),
    workspaceId: p.uuid(),
    documentId: p.uuid(),
    generation: p.integer(),
    chunkIndex: p.integer(),
    state: p.enum(['pending', 'asking', 'done', 'failed', 'cancelled']).default('pending'),
    attempt: p.integer().default(0),
    /** How often it was found begun by a worker that had died. */
    crashes: p.integer().default(0),
    /** The model's words, kept when they arrive, so that they are not paid for again. */
    replies: p.json<string[]>().defaultRaw(`'[]'`),
    proposed: p.integer().default(0),
    refused: p.json<{ question: string; reason: string }[]>().defaultRaw(`'[]'`),
    faultySince: p.datetime(6).nullable(),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    completedAt: p.datetime(6).nullable(),
  },
  checks: [
    ...['attempt', 'crashes', 'ordinal', 'proposed'].map((column) => ({
      name: `case_proposal_passages_${column}_check`,
      expression: `${column} >= 0`,
    })),
    ...['refused', 'replies'].map((column) => ({
      name: `case_proposal_passages_${column}_check`,
      expression: `jsonb_typeof(${column}) = 'array'::text`,
    })),
  ],
  policies: workspacePolicies,
});

export type CaseProposalPassage = InferEntity<typeof CaseProposalPassage>;
