import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelCandidate, ModelFault } from '../../contracts/names/model-faults.ts';
import { query } from '../sql.ts';

// Of a model whose row does not say.
const usualContextWindow = 128_000;

/**
 * Reads the models that may answer a turn in the order of its agent as it was at acceptance, the agent's own first, and
 * how they are now.
 */
export async function readModelCandidates(em: EntityManager, turnId: string): Promise<ModelCandidate[]> {
  return query<ModelCandidate>(
    em,
    `with turn as (
       select t.model_id,
              case when a.version = t.agent_version or v.snapshot is null
                   then jsonb_build_array(a.model_id) || a.fallback_models
                   else jsonb_build_array(v.snapshot -> 'model_id') || coalesce(v.snapshot -> 'fallback_models', '[]')
              end as listed
       from turns t join agents a on a.id = t.agent_id
       left join agent_versions v on v.agent_id = a.id and v.version = t.agent_version
       where t.id = $1),
     wanted as (
       select id, min(place) as place from (
         select e.value::uuid as id, e.ordinality as place
         from turn, jsonb_array_elements_text(listed) with ordinality as e
         union all select model_id, 1000 from turn) as every
       group by id)
     select d.id, d.name, d.is_active and d.deleted_at is null as "isUsable",
            case when jsonb_typeof(d.capabilities -> 'contextWindow') = 'number'
                 then (d.capabilities ->> 'contextWindow')::float8 else $2 end as "contextWindow",
            coalesce(c.openings > 0, false) as "isTripped",
            greatest(0, ceil(extract(epoch from greatest(
              c.open_until, case when c.probed_by <> $1 then c.probe_until end) - clock_timestamp()) * 1000))::float8
              as "circuitMs",
            greatest(0, ceil(extract(epoch from r.blocked_until - clock_timestamp()) * 1000))::float8 as "pauseMs"
     from wanted w join models d on d.id = w.id
     left join model_circuits c on c.workspace_id = d.workspace_id and c.model_id = d.id
     left join rate_limits r on r.workspace_id = d.workspace_id and r.model_id = d.id
     order by w.place`,
    [turnId, usualContextWindow],
  );
}

/** Lets another model answer the turn from its next call on. The caller holds the turn's lock. */
export async function switchModel(em: EntityManager, turnId: string, modelId: string): Promise<void> {
  await query(em, `update turns set model_id = $2, updated_at = now() where id = $1`, [turnId, modelId]);
}

/** Adds a failed call to those of the turn and returns them all. The caller holds the turn's lock. */
export async function addModelFault(em: EntityManager, turnId: string, fault: ModelFault): Promise<ModelFault[]> {
  const [row] = await query<{ faults: ModelFault[] }>(
    em,
    `update turns set model_faults = model_faults || jsonb_build_array($2::jsonb) where id = $1
     returning model_faults as faults`,
    [turnId, JSON.stringify(fault)],
  );
  return row?.faults ?? [];
}

/** What is needed to call a model of a turn and to pay for it; `api_key` is sealed. */
export type CallableModel = {
  id: string;
  name: string;
  provider: string;
  provider_model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
};

/** Reads the rows of models, in any order. */
export async function readCallableModels(em: EntityManager, ids: readonly string[]): Promise<CallableModel[]> {
  return query<CallableModel>(
    em,
    `select id, name, provider, model_id as provider_model_id, endpoint, api_key, capabilities, pricing
     from models where id = any($1::uuid[])`,
    [ids],
  );
}

/** The name of the model with which a RAG tool searches; null for no such tool. */
export async function findSearchModel(
  em: EntityManager,
  ragToolId: string,
): Promise<{ id: string; name: string } | null> {
  const [row] = await query<{ id: string; name: string }>(
    em,
    `select d.id, d.name from rag_tools r join models d on d.id = r.embedding_model_id where r.id = $1`,
    [ragToolId],
  );
  return row ?? null;
}
