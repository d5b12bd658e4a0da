import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** How many active documents, chunks and words a workspace has in a language, but for the deltas not folded yet. */
export const LexicalCollection = defineEntity({
  name: 'LexicalCollection',
  tableName: 'lexical_collections',
  properties: {
    workspaceId: p.uuid().primary(),
    language: p.text().primary(),
    documents: p.bigint('number'),
    chunks: p.bigint('number'),
    terms: p.bigint('number'),
    createdAt: createdAt(),
  },
  policies: workspacePolicies,
});

export type LexicalCollection = InferEntity<typeof LexicalCollection>;
