import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A message that a stored prompt refers to. */
export type ReferencedMessage = { id: string; parentId: string | null; role: 'user' | 'assistant'; content: string };

/** A former step of the turn, as a stored prompt refers to it. */
export type ReferencedStep = { text: string; toolCalls: Array<{ id: string; name: string; arguments: string }> };

/** A call of a tool that a stored prompt refers to. */
export type ReferencedCall = {
  id: string;
  toolCallId: string;
  name: string;
  result: string | null;
  passages: unknown;
  isError: boolean;
};

/** What `turn_steps` holds of a turn's calls of the model, and the rows to which their prompts refer. */
export type PromptReferences = {
  requests: Map<number, Record<string, unknown>>;
  steps: Map<number, ReferencedStep>;
  messages: Map<string, ReferencedMessage>;
  /** Those of the turn, and those of earlier turns that its prompts repeat. */
  calls: Map<string, ReferencedCall>;
  /** Steps of earlier turns that its prompts repeat. */
  earlierSteps: Array<{ turnId: string; step: number; toolCalls: ReferencedStep['toolCalls'] }>;
};

// The messages of the stored prompts of the turn $1.
const storedMessages = `
  select m.value as message from turn_steps s,
    jsonb_array_elements(coalesce(s.request -> 'messages', s.request -> 'appended')) as m
  where s.turn_id = $1 and s.kind = 'model'`;

/** Reads the stored prompts of a turn and every row to which they refer. */
export async function readPromptReferences(em: EntityManager, turnId: string): Promise<PromptReferences> {
  const steps = await query<{
    step: number;
    request: Record<string, unknown>;
    response: Record<string, unknown> | null;
  }>(em, `select step, request, response from turn_steps where turn_id = $1 and kind = 'model' order by step`, [
    turnId,
  ]);
  const messages = await query<ReferencedMessage>(
    em,
    // The oldest message of a run ends the walk; what lies above it is no part of any prompt.
    `with recursive
       stored as materialized (${storedMessages}),
       run as (
         select m.id, m.parent_id, (stored.message ->> 'from')::uuid as oldest
         from stored join messages m on m.id = (stored.message ->> 'to')::uuid
         union
         select m.id, m.parent_id, r.oldest from run r join messages m on m.id = r.parent_id where r.id <> r.oldest)
     select m.id, m.parent_id as "parentId", m.sender as role, m.content from messages m
     where m.id in (select id from run union all select (message ->> 'message_id')::uuid from stored)`,
    [turnId],
  );
  const calls = await query<ReferencedCall>(
    em,
    `select id, provider_call_id as "toolCallId", tool_name as name, result, passages, state <> 'succeeded' as "isError"
     from tool_calls
     where turn_id = $1 or id in (
       select (message ->> 'earlier_call')::uuid from (${storedMessages}) as stored where message ? 'earlier_call')`,
    [turnId],
  );
  const earlierSteps = await query<PromptReferences['earlierSteps'][number]>(
    em,
    `select distinct on (f.turn_id, f.step) f.turn_id as "turnId", f.step,
            coalesce(f.response -> 'tool_calls', '[]') as "toolCalls"
     from (${storedMessages}) as stored
     join turn_steps f on f.turn_id = (message ->> 'turn')::uuid and f.step = (message ->> 'step')::integer
     where message ? 'turn'`,
    [turnId],
  );
  return {
    requests: new Map(steps.map(({ step, request }) => [step, request])),
    steps: new Map(steps.map(({ step, response }) => [step, toStep(response)])),
    messages: new Map(messages.map((message) => [message.id, message])),
    calls: new Map(calls.map((call) => [call.id, call])),
    earlierSteps,
  };
}

function toStep(response: Record<string, unknown> | null): ReferencedStep {
  const text = response?.['text'];
  return {
    text: typeof text === 'string' ? text : '',
    toolCalls: (response?.['tool_calls'] ?? []) as ReferencedStep['toolCalls'],
  };
}
