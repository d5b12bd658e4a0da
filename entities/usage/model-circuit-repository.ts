import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { PacedModel } from './rate-limit-repository.ts';

// For how long other turns wait for what the one that tries the model finds.
const probeSeconds = 30;
// The first opening lasts 30 s, each further one twice as long as the one before, up to 5 min. What failed some time ago
// and was not called since says nothing about now.
const opens = `(c.failures + 1 >= 5 and coalesce(c.open_until, '-infinity') <= statement_timestamp())`;
const isOld = `(c.openings = 0 and c.updated_at < statement_timestamp() - interval '10 minutes')`;

/** Counts a failure of the model, for all workers. The fifth in a row, and each after a time of rest, opens its circuit. */
export async function countModelFailure(em: EntityManager, model: PacedModel, code: string): Promise<void> {
  await query(
    em,
    `insert into model_circuits as c (workspace_id, model_id, failures, last_code) values ($1, $2, 1, $3)
     on conflict (workspace_id, model_id) do update set
       failures = case when ${isOld} then 1 else c.failures + 1 end, last_code = excluded.last_code,
       openings = c.openings + case when ${opens} and not ${isOld} then 1 else 0 end,
       open_until = case when ${opens} and not ${isOld}
         then statement_timestamp() + least(300, 30 * power(2, least(c.openings, 10))) * interval '1 second'
         else c.open_until end,
       probed_by = case when ${opens} then null else c.probed_by end,
       probe_until = case when ${opens} then null else c.probe_until end`,
    [model.workspaceId, model.modelId, code],
  );
}

/** Forgets the failures of a model whose provider has answered, or whose settings have changed; closes its circuit. */
export async function closeModelCircuit(em: EntityManager, model: PacedModel): Promise<void> {
  await query(
    em,
    `update model_circuits set ${closed} where workspace_id = $1 and model_id = $2 and (failures > 0 or openings > 0)`,
    [model.workspaceId, model.modelId],
  );
}

/** What a circuit is set to once its model has answered. */
export const closed = `failures = 0, openings = 0, open_until = null, probed_by = null, probe_until = null`;

/**
 * Lets the turn try a model whose circuit was open, for all others; false while the circuit is open or another turn tries
 * it. The row's lock decides between workers.
 */
export async function probeModel(em: EntityManager, model: PacedModel, turnId: string): Promise<boolean> {
  const rows = await query(
    em,
    `update model_circuits set probed_by = $3, probe_until = clock_timestamp() + interval '${probeSeconds} seconds'
     where workspace_id = $1 and model_id = $2 and openings > 0 and open_until <= clock_timestamp()
       and (probed_by is null or probed_by = $3 or probe_until <= clock_timestamp())
     returning model_id`,
    [model.workspaceId, model.modelId, turnId],
  );
  return rows.length > 0;
}

/** A model's circuit as people see it; `half_open` while one turn may try the model. */
export type ModelCircuitState = {
  modelId: string;
  state: 'closed' | 'open' | 'half_open';
  failures: number;
  openUntil: Date | null;
  lastCode: string | null;
};

const stateOf = `case when c.openings = 0 then 'closed' when c.open_until > clock_timestamp() then 'open'
                      else 'half_open' end`;

/** Reads the circuits of models; one that never failed has none. */
export async function readModelCircuits(
  em: EntityManager,
  modelIds: readonly string[],
): Promise<Map<string, ModelCircuitState>> {
  const rows = await query<ModelCircuitState>(
    em,
    `select c.model_id as "modelId", ${stateOf} as state, c.failures, c.open_until as "openUntil",
            c.last_code as "lastCode"
     from model_circuits c where c.model_id = any($1::uuid[])`,
    [modelIds],
  );
  return new Map(rows.map((row) => [row.modelId, row]));
}

/** Names of models with the state of their circuits, for the operator role; a name of several workspaces shows the worst. */
export async function listTrippedModels(em: EntityManager): Promise<Array<{ name: string; state: number }>> {
  return query<{ name: string; state: number }>(
    em,
    `select d.name, max(case ${stateOf} when 'open' then 1 when 'half_open' then 0.5 else 0 end)::float8 as state
     from model_circuits c join models d on d.workspace_id = c.workspace_id and d.id = c.model_id
     where d.deleted_at is null group by d.name order by d.name`,
  );
}
