import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What became of one case in one variant and repetition: what was sent, what was answered, what it cost. */
export const EvaluationItem = defineEntity({
  name: 'EvaluationItem',
  tableName: 'evaluation_items',
  properties: {
    evaluationId: p.uuid().primary(),
    /** Its number in the run, by variant, repetition and place of the case. */
    ordinal: p.integer().primary(),
    workspaceId: p.uuid(),
    caseId: p.uuid(),
    caseKey: p.text(),
    variant: p.integer(),
    repetition: p.integer(),
    /** `scoring`: the output is committed, and metrics are open. */
    state: p.enum(['pending', 'running', 'scoring', 'done', 'failed', 'cancelled']).default('pending'),
    attempt: p.integer().default(0),
    /** Of the case, the target's version, the repetition and the seed: equal hashes may share an output. */
    itemHash: p.text(),
    output: p.text().nullable(),
    prompt: p.json<unknown>().nullable(),
    contexts: p.json<unknown[]>().defaultRaw(`'[]'`),
    toolCalls: p.json<unknown[]>().defaultRaw(`'[]'`),
    turnIds: p.json<string[]>().defaultRaw(`'[]'`),
    promptTokens: p.integer().nullable(),
    completionTokens: p.integer().nullable(),
    cost: p.decimal().precision(20).scale(10).nullable(),
    currency: p.character().length(3).nullable(),
    latencyMs: p.double().nullable(),
    faultySince: p.datetime(6).nullable(),
    /** How often it was found begun by a worker that had died. */
    crashes: p.integer().default(0),
    error: p.json<{ code: string; detail: string }>().nullable(),
    reusedFrom: p.uuid().nullable(),
    createdAt: createdAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
  },
  indexes: [
    {
      name: 'evaluation_items_hash_idx',
      properties: ['workspaceId', 'itemHash'],
      where: "state = 'done'::text",
    },
  ],
  checks: ['attempt', 'completion_tokens', 'cost', 'crashes', 'ordinal', 'prompt_tokens', 'repetition', 'variant'].map(
    (column) => ({
      name: `evaluation_items_${column}_check`,
      expression: column === 'cost' ? 'cost >= (0)::numeric' : `${column} >= 0`,
    }),
  ),
  policies: workspacePolicies,
});

export type EvaluationItem = InferEntity<typeof EvaluationItem>;
