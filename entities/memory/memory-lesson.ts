import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { FoundFact } from '../../contracts/names/memory-fact.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** The work of learning from a conversation that has come to rest, up to one of its messages. */
export const MemoryLesson = defineEntity({
  name: 'MemoryLesson',
  tableName: 'memory_lessons',
  properties: {
    conversationId: p.uuid().primary(),
    upToSequence: p.bigint('number').primary(),
    workspaceId: p.uuid(),
    userId: p.uuid(),
    state: p.enum(['accepted', 'running', 'completed', 'failed', 'skipped']).default('accepted'),
    /** How often its workflow was asked for. */
    starts: p.integer().default(1),
    /** What the model found, kept when it is paid; null before. */
    found: p.json<FoundFact[]>().nullable(),
    /** What became of each fact that was found. */
    outcome: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    /** The version of the memory that it made; null where nothing changed. */
    version: p.integer().nullable(),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  indexes: [
    { name: 'memory_lessons_user_id_idx', properties: ['workspaceId', 'userId'] },
    {
      name: 'memory_lessons_unfinished_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['accepted'::text, 'running'::text, 'failed'::text])",
    },
  ],
  checks: [
    { name: 'memory_lessons_failed_check', expression: `(state <> 'failed'::text) OR (error IS NOT NULL)` },
    { name: 'memory_lessons_found_check', expression: `jsonb_typeof(found) = 'array'::text` },
    { name: 'memory_lessons_outcome_check', expression: `jsonb_typeof(outcome) = 'object'::text` },
    { name: 'memory_lessons_starts_check', expression: 'starts > 0' },
    { name: 'memory_lessons_up_to_sequence_check', expression: 'up_to_sequence > 0' },
  ],
  policies: workspacePolicies,
});

export type MemoryLesson = InferEntity<typeof MemoryLesson>;
