import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** What a turn does in one step. */
export type StepKind = 'retrieve' | 'route' | 'model' | 'summarize';

/** A step that begins now; an earlier attempt's row of the same step is overwritten, its usage rows are kept. */
export type StepStart = {
  workspaceId: string;
  turnId: string;
  step: number;
  attempt: number;
  kind: StepKind;
  request: Record<string, unknown>;
};

/** Notes that a step has begun, if the attempt still owns the turn and nobody has begun it under the same number. */
export async function beginStep(em: EntityManager, step: StepStart): Promise<boolean> {
  const rows = await query(
    em,
    `insert into turn_steps (workspace_id, turn_id, step, kind, state, attempt, request)
     select $1, t.id, $3, $4, 'running', $5, $6 from turns t
     where t.id = $2 and t.attempt = $5 and t.step = $3 and t.state = 'running' for share
     on conflict (turn_id, step) do update set kind = excluded.kind, state = 'running', attempt = excluded.attempt,
       request = excluded.request, response = null, started_at = now(), completed_at = null
     where turn_steps.attempt < excluded.attempt
     returning step`,
    [step.workspaceId, step.turnId, step.step, step.kind, step.attempt, JSON.stringify(step.request)],
  );
  return rows.length > 0;
}

/**
 * Notes what a step gave and moves the turn on to the next one, if the attempt still owns the turn; returns whether it
 * does. Takes the turn's lock.
 */
export async function finishStep(
  em: EntityManager,
  step: { turnId: string; step: number; attempt: number; response: Record<string, unknown> },
): Promise<boolean> {
  const rows = await query(
    em,
    `with owner as (
       update turns set step = step + 1, updated_at = now()
       where id = $1 and step = $2 and attempt = $3 and state = 'running' returning id)
     update turn_steps s set state = 'succeeded', response = $4, completed_at = now()
     from owner o where s.turn_id = o.id and s.step = $2 and s.attempt = $3
     returning s.step`,
    [step.turnId, step.step, step.attempt, JSON.stringify(step.response)],
  );
  return rows.length > 0;
}

/** A completed step of a turn. */
export type CompletedStep = {
  step: number;
  kind: StepKind;
  request: Record<string, unknown>;
  response: Record<string, unknown>;
};

/** The completed steps of a turn in their order. */
export async function readSteps(em: EntityManager, turnId: string): Promise<CompletedStep[]> {
  return query<CompletedStep>(
    em,
    `select step, kind, request, response from turn_steps where turn_id = $1 and state = 'succeeded' order by step`,
    [turnId],
  );
}
