import type { EntityManager } from '@mikro-orm/postgresql';
import type { PlannedModel, PlannedReference } from '../../contracts/names/evaluation-plan.ts';
import { query } from '../sql.ts';

/** Tables whose rows count their versions, and those whose last change tells that they are another one. */
const versions = {
  agents: 'version::text',
  prompt_templates: 'version::text',
  rag_tools: `to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
  retrieval_tools: `to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
} as const;

/** What a run refers to, as it is now. */
export async function readPlannedReference(
  em: EntityManager,
  table: keyof typeof versions,
  id: string,
): Promise<PlannedReference> {
  const [row] = await query<PlannedReference>(
    em,
    `select id, name, ${versions[table]} as version from ${table} where id = $1`,
    [id],
  );
  return row!;
}

/** A model that a run calls, as it is now. */
export async function readPlannedModel(
  em: EntityManager,
  id: string,
): Promise<PlannedModel & { kind: 'chat' | 'embedding' }> {
  const [row] = await query<PlannedModel & { kind: 'chat' | 'embedding' }>(
    em,
    `select id, name, kind, provider, model_id as "modelId",
            to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "updatedAt"
     from models where id = $1`,
    [id],
  );
  return row!;
}
