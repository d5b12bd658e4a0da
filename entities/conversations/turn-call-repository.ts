import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { ActivityRun } from './turn-lease-repository.ts';
import type { EventToAppend } from './turn-outcome-repository.ts';

/** A call of the model that is about to be made, with the step that it is and the events that come before its text. */
export type CallToBegin = {
  workspaceId: string;
  turnId: string;
  step: number;
  attempt: number;
  request: Record<string, unknown>;
  /** Sent to the provider, and the id of the usage row. */
  callId: string;
  agentId: string;
  modelId: string;
  pricing: Record<string, unknown>;
  events: readonly EventToAppend[];
};

/**
 * Writes all that stands before a call of the model, in one statement: its step, its usage row, its events. Returns the
 * number of the last event, or null when the attempt does not own the turn, or somebody has begun the step under the same
 * number.
 */
export async function beginCall(em: EntityManager, call: CallToBegin): Promise<number | null> {
  const [row] = await query<{ last: number }>(
    em,
    `with step as (
       insert into turn_steps (workspace_id, turn_id, step, kind, state, attempt, request)
       select $1::uuid, t.id, $3::integer, 'model', 'running', $4::integer, $5::jsonb from turns t
       where t.id = $2 and t.attempt = $4 and t.step = $3 and t.state = 'running' for share
       on conflict (turn_id, step) do update set kind = excluded.kind, state = 'running', attempt = excluded.attempt,
         request = excluded.request, response = null, started_at = now(), completed_at = null
       where turn_steps.attempt < excluded.attempt
       returning step),
     usage as (
       insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, turn_id, step, attempt, pricing)
       select $6::uuid, $1, 'agent', $7::uuid, $8::uuid, $2, step, $4, $9::jsonb from step on conflict do nothing),
     written as (
       insert into turn_events (workspace_id, turn_id, attempt, seq, kind, data)
       select $1, $2, $4, (select coalesce(max(seq), 0) from turn_events where turn_id = $2) + g.ordinality, g.kind, g.data
       from step, unnest($10::text[], $11::jsonb[]) with ordinality as g (kind, data, ordinality)
       returning seq)
     select max(seq)::float8 as last from written having count(*) > 0`,
    [
      call.workspaceId,
      call.turnId,
      call.step,
      call.attempt,
      JSON.stringify(call.request),
      call.callId,
      call.agentId,
      call.modelId,
      JSON.stringify(call.pricing),
      call.events.map(({ kind }) => kind),
      call.events.map(({ data }) => JSON.stringify(data)),
    ],
  );
  return row?.last ?? null;
}

/** How the last step of a turn has ended it; `run` is the activity that has it, as far as that is not noted. */
export type CallToFinish = {
  workspaceId: string;
  turnId: string;
  step: number;
  attempt: number;
  response: Record<string, unknown>;
  messageId: string;
  events: readonly EventToAppend[];
  run: ActivityRun | null;
};

/** Ends a turn with its answer, in one statement: step, last events, turn. The caller holds its lock and has written the answer. */
export async function completeTurn(em: EntityManager, end: CallToFinish): Promise<void> {
  await query(
    em,
    `with finished as (
       update turns set step = step + 1, state = 'completed', assistant_message_id = $6, error = null,
              completed_at = now(), updated_at = now(), leased_until = null, run_id = coalesce($9, run_id),
              activity_id = coalesce($10, activity_id), activity_attempt = coalesce($11, activity_attempt)
       where id = $2 and step = $3 and attempt = $4 returning id),
     done as (
       update turn_steps s set state = 'succeeded', response = $5, completed_at = now()
       from finished f where s.turn_id = f.id and s.step = $3 and s.attempt = $4)
     insert into turn_events (workspace_id, turn_id, attempt, seq, kind, data)
     select $1::uuid, f.id, $4, (select coalesce(max(seq), 0) from turn_events where turn_id = $2) + g.ordinality, g.kind,
            g.data
     from finished f, unnest($7::text[], $8::jsonb[]) with ordinality as g (kind, data, ordinality)`,
    [
      end.workspaceId,
      end.turnId,
      end.step,
      end.attempt,
      JSON.stringify(end.response),
      end.messageId,
      end.events.map(({ kind }) => kind),
      end.events.map(({ data }) => JSON.stringify(data)),
      end.run?.runId ?? null,
      end.run?.activityId ?? null,
      end.run?.attempt ?? null,
    ],
  );
}
