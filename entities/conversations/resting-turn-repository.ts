import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { closeModelCircuit } from '../usage/model-circuit-repository.ts';
import type { PacedModel } from '../usage/rate-limit-repository.ts';

/** A turn that waits because no model may be called for it. */
export type RestingTurn = { conversationId: string; turnId: string };

/**
 * Keeps the models of a turn's workspace from being mended until the transaction ends, in which it is to say that it rests:
 * so whoever mends one sees that it does. Circuits are locked before, never after.
 */
export async function holdModels(em: EntityManager, turnId: string): Promise<void> {
  await query(
    em,
    `select from turns t join models d on d.workspace_id = t.workspace_id where t.id = $1 order by d.id for share of d`,
    [turnId],
  );
}

/**
 * Lets a model be called again at once, by all workers: its failures are forgotten, and no pause that its provider has asked
 * for holds any longer.
 */
export async function endModelRest(em: EntityManager, model: PacedModel): Promise<void> {
  await closeModelCircuit(em, model);
  await query(
    em,
    `update rate_limits set blocked_until = null
     where workspace_id = $1 and model_id = $2 and blocked_until > clock_timestamp()`,
    [model.workspaceId, model.modelId],
  );
  await query(em, `select from models where id = $1 for no key update`, [model.modelId]);
}

// A turn that is being answered early is leased for less.
const longestLease = '5 seconds';

/**
 * Ends the pauses of turns that may be answered by the model, after its own has ended, and returns them: their workflows are
 * to be told. For a transaction after the one that ended it.
 */
export async function rouseTurns(em: EntityManager, { workspaceId, modelId }: PacedModel): Promise<RestingTurn[]> {
  return query<RestingTurn>(
    em,
    `with resting as (
       select t.id, t.conversation_id
       from turns t
       join agents a on a.id = t.agent_id
       join models d on d.id = $2
       join lateral (select e.kind, e.data from turn_events e where e.turn_id = t.id order by e.seq desc limit 1) said
         on said.kind = 'retrying'
       where t.workspace_id = $1 and t.state in ('accepted', 'queued', 'running')
         and (said.data ->> 'model' = d.name or d.id in (t.model_id, a.model_id) or a.fallback_models ? d.id::text)),
     unleased as (
       update turns t set leased_until = clock_timestamp() from resting r
       where t.id = r.id and t.leased_until > clock_timestamp() + interval '${longestLease}')
     select id as "turnId", conversation_id as "conversationId" from resting`,
    [workspaceId, modelId],
  );
}
