import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelRow } from '../search/search-setup-repository.ts';
import { query } from '../sql.ts';
import type { EvaluationKey } from './evaluation-repository.ts';

/** Books the next call of a run that makes so many in a minute; returns for how many milliseconds it must wait. */
export async function reserveRunCall(
  em: EntityManager,
  { workspaceId, evaluationId }: EvaluationKey,
  perMinute: number,
): Promise<number> {
  const [row] = await query<{ waitMs: number }>(
    em,
    `insert into evaluation_pacing as p (evaluation_id, key, workspace_id, next_at)
     values ($1, 'calls', $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (evaluation_id, key) do update
       set next_at = greatest(p.next_at, clock_timestamp()) + $3 * interval '1 millisecond'
     returning greatest(0, extract(epoch from next_at - clock_timestamp()) * 1000 - $3)::double precision as "waitMs"`,
    [evaluationId, workspaceId, 60_000 / perMinute],
  );
  return row!.waitMs;
}

/** Notes that calls of `line` fail; returns for how many milliseconds they have. */
export async function noteFaultyLine(
  em: EntityManager,
  { workspaceId, evaluationId }: EvaluationKey,
  line: string,
): Promise<number> {
  const [row] = await query<{ faultyMs: number }>(
    em,
    `insert into evaluation_pacing as p (evaluation_id, key, workspace_id, faulty_since)
     values ($1, $2, $3, clock_timestamp())
     on conflict (evaluation_id, key) do update set faulty_since = coalesce(p.faulty_since, clock_timestamp())
     returning (extract(epoch from clock_timestamp() - faulty_since) * 1000)::double precision as "faultyMs"`,
    [evaluationId, line, workspaceId],
  );
  return row!.faultyMs;
}

/** Lines whose calls have failed lately. */
export async function readFaultyLines(em: EntityManager, { evaluationId }: EvaluationKey): Promise<string[]> {
  const rows = await query<{ key: string }>(
    em,
    `select key from evaluation_pacing where evaluation_id = $1 and faulty_since is not null`,
    [evaluationId],
  );
  return rows.map(({ key }) => key);
}

/** Forgets the failures of a line that has answered. */
export async function clearFaultyLine(em: EntityManager, { evaluationId }: EvaluationKey, line: string): Promise<void> {
  await query(em, `update evaluation_pacing set faulty_since = null where evaluation_id = $1 and key = $2`, [
    evaluationId,
    line,
  ]);
}

/** A model as it is called; its key is sealed. */
export type CalledModel = ModelRow & {
  /** For how many milliseconds more its provider has asked for no calls. */
  pause_ms: number;
};

/** The models of these ids that can be called. */
export async function readCalledModels(em: EntityManager, ids: readonly string[]): Promise<Map<string, CalledModel>> {
  const rows = await query<CalledModel>(
    em,
    `select m.id, m.name, m.kind, m.provider, m.model_id, m.endpoint, m.api_key, m.capabilities, m.dimensions, m.pricing,
            coalesce(greatest(0, extract(epoch from r.blocked_until - clock_timestamp()) * 1000), 0)::double precision
              as pause_ms
     from models m left join rate_limits r on r.workspace_id = m.workspace_id and r.model_id = m.id
     where m.id = any($1::uuid[]) and m.deleted_at is null and m.is_active`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, row]));
}
