import type { EntityManager } from '@mikro-orm/postgresql';
import type { GivenCase } from '../../contracts/evaluation-case.ts';
import { query } from '../sql.ts';
import { uuidV7 } from '../uuid-v7.ts';

/** A data set with the size and the hash of its newest version. */
export type DatasetRow = {
  id: string;
  name: string;
  description: string;
  version: number;
  case_count: number;
  content_hash: string | null;
  created_at: Date;
  updated_at: Date;
};

const datasetColumns = `
  d.id, d.name, d.description, d.version, coalesce(v.case_count, 0) as case_count, v.content_hash, d.created_at, d.updated_at
  from evaluation_datasets d
  left join evaluation_dataset_versions v on v.dataset_id = d.id and v.version = d.version`;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** A data set by id or name; an id goes before a name like it. */
export async function findDataset(em: EntityManager, nameOrId: string): Promise<DatasetRow | null> {
  const [row] = await query<DatasetRow>(
    em,
    `select ${datasetColumns} where d.deleted_at is null and (d.id = $1 or d.name = $2) order by d.id = $1 desc limit 1`,
    [uuid.test(nameOrId) ? nameOrId : null, nameOrId],
  );
  return row ?? null;
}

/** The counts and hashes of several data sets. */
export async function readDatasets(em: EntityManager, ids: readonly string[]): Promise<Map<string, DatasetRow>> {
  const rows = await query<DatasetRow>(em, `select ${datasetColumns} where d.id = any($1::uuid[])`, [ids]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** What a change of cases did; `version` stays when nothing changed. */
export type ChangedCases = { version: number; added: number; changed: number; removed: number; unchanged: number };

/** A given case, and what became of it; `sameId` has the same key and content, `currentId` the same key. */
type PlannedCase = { place: number; caseKey: string; hash: string; sameId: string | null; currentId: string | null };

/** Cases whose key is given twice, by their places from 0. */
export class RepeatedKeyError extends Error {
  readonly key: string;
  readonly places: readonly number[];

  constructor(key: string, places: readonly number[]) {
    super(`The key "${key}" is given more than once.`);
    this.key = key;
    this.places = places;
  }
}

/**
 * Makes the next version of a data set of the cases that are given: in the place of all, or beside those with other keys.
 * Unchanged cases keep their rows. Holds the data set until the transaction ends.
 * @throws RepeatedKeyError for a key that is given twice.
 */
export async function importCases(
  em: EntityManager,
  change: {
    workspaceId: string;
    datasetId: string;
    mode: 'replace' | 'append';
    cases: readonly GivenCase[];
    origin: Record<string, unknown>;
  },
): Promise<ChangedCases> {
  const version = await lockDataset(em, change.datasetId);
  const planned = await planCases(em, change);
  const fresh = planned.filter(({ sameId }) => sameId === null);
  const kept = planned.flatMap(({ sameId }) => (sameId === null ? [] : [sameId]));
  const given = new Set(planned.flatMap(({ currentId }) => (currentId === null ? [] : [currentId])));
  const current = await query<{ id: string; position: number }>(
    em,
    `select id, position from evaluation_cases where dataset_id = $1 and state = 'accepted' and last_version is null`,
    [change.datasetId],
  );
  const keptIds = new Set(kept);
  const closed = current
    .filter(({ id }) => !keptIds.has(id) && (change.mode === 'replace' || given.has(id)))
    .map(({ id }) => id);
  const counts = {
    added: fresh.filter(({ currentId }) => currentId === null).length,
    changed: fresh.filter(({ currentId }) => currentId !== null).length,
    removed: closed.filter((id) => !given.has(id)).length,
    unchanged: current.length - closed.length,
  };
  if (fresh.length === 0 && closed.length === 0) return { version, ...counts };
  const next = version + 1;
  await query(em, `update evaluation_cases set last_version = $2 where id = any($1::uuid[])`, [closed, version]);
  const offset =
    change.mode === 'replace' ? 0 : 1 + current.reduce((most, { position }) => Math.max(most, position), -1);
  await insertCases(em, change, { version: next, offset, fresh });
  if (change.mode === 'replace') {
    const places = planned.filter(({ sameId }) => sameId !== null);
    await query(
      em,
      `update evaluation_cases c set position = u.place from unnest($1::uuid[], $2::integer[]) as u (id, place)
       where c.id = u.id and c.position <> u.place`,
      [places.map(({ sameId }) => sameId), places.map(({ place }) => place)],
    );
  }
  await closeVersion(em, { ...change, version: next });
  return { version: next, ...counts };
}

/** Holds the data set for a change and gives its newest version. */
async function lockDataset(em: EntityManager, datasetId: string): Promise<number> {
  const [row] = await query<{ version: number }>(
    em,
    `select version from evaluation_datasets where id = $1 and deleted_at is null for update`,
    [datasetId],
  );
  return row!.version;
}

// jsonb has one text for equal values, so the hash of that text is one of the content.
const givenRows = `
  select place, g, input, hash,
         coalesce(given_key, 'q-' || left(encode(sha256(convert_to(input::text, 'UTF8')), 'hex'), 16)
           || case when twin > 1 then '#' || twin else '' end) as case_key
  from (
    select (n - 1)::integer as place, g, g -> 'input' as input, g ->> 'key' as given_key,
           encode(sha256(convert_to((g - 'key')::text, 'UTF8')), 'hex') as hash,
           row_number() over (partition by g ->> 'key', g -> 'input' order by n) as twin
    from jsonb_array_elements($1::jsonb) with ordinality as e (g, n)) as given`;

async function planCases(
  em: EntityManager,
  { datasetId, cases }: { datasetId: string; cases: readonly GivenCase[] },
): Promise<PlannedCase[]> {
  const planned = await query<PlannedCase>(
    em,
    `select r.place, r.case_key as "caseKey", r.hash,
            case when c.content_hash = r.hash then c.id end as "sameId", c.id as "currentId"
     from (${givenRows}) as r
     left join evaluation_cases c on c.dataset_id = $2 and c.case_key = r.case_key
       and c.state = 'accepted' and c.last_version is null
     order by r.place`,
    [JSON.stringify(cases), datasetId],
  );
  const seen = new Map<string, number>();
  for (const { caseKey, place } of planned) {
    const before = seen.get(caseKey);
    if (before !== undefined) throw new RepeatedKeyError(caseKey, [before, place]);
    seen.set(caseKey, place);
  }
  return planned;
}

async function insertCases(
  em: EntityManager,
  { workspaceId, datasetId, cases }: { workspaceId: string; datasetId: string; cases: readonly GivenCase[] },
  { version, offset, fresh }: { version: number | null; offset: number; fresh: readonly PlannedCase[] },
): Promise<void> {
  await query(
    em,
    `insert into evaluation_cases (id, workspace_id, dataset_id, case_key, position, state, first_version, input,
       expected_answer, expected_documents, expected_chunks, expected_tool_calls, is_unanswerable, tags, metadata,
       content_hash)
     select f.id, $2, $3, f.case_key, f.place + $4, case when $5::integer is null then 'proposed' else 'accepted' end,
            $5, g -> 'input', g ->> 'expected_answer', g -> 'expected_documents', g -> 'expected_chunks',
            nullif(g -> 'expected_tool_calls', 'null'), (g -> 'is_unanswerable')::boolean,
            array(select jsonb_array_elements_text(g -> 'tags')), g -> 'metadata', f.hash
     from jsonb_array_elements($1::jsonb) with ordinality as e (g, n)
     join unnest($6::integer[], $7::text[], $8::text[], $9::uuid[]) as f (place, case_key, hash, id) on f.place = e.n - 1`,
    [
      JSON.stringify(cases),
      workspaceId,
      datasetId,
      offset,
      version,
      fresh.map(({ place }) => place),
      fresh.map(({ caseKey }) => caseKey),
      fresh.map(({ hash }) => hash),
      fresh.map(() => uuidV7()),
    ],
  );
}

async function closeVersion(
  em: EntityManager,
  { workspaceId, datasetId, version, origin }: ClosedVersion,
): Promise<void> {
  await query(
    em,
    `insert into evaluation_dataset_versions (dataset_id, version, workspace_id, content_hash, case_count, origin)
     select $1, $2, $3, encode(sha256(convert_to(coalesce(string_agg(content_hash, ',' order by case_key), ''), 'UTF8')), 'hex'),
            count(*), $4
     from evaluation_cases
     where dataset_id = $1 and state = 'accepted' and last_version is null`,
    [datasetId, version, workspaceId, JSON.stringify(origin)],
  );
  await query(em, `update evaluation_datasets set version = $2 where id = $1`, [datasetId, version]);
}

type ClosedVersion = { workspaceId: string; datasetId: string; version: number; origin: Record<string, unknown> };

/** Puts cases beside the data set that a person has yet to accept; what it has, or was proposed before, is left out. */
export async function proposeCases(
  em: EntityManager,
  proposal: { workspaceId: string; datasetId: string; cases: readonly GivenCase[] },
): Promise<number> {
  await lockDataset(em, proposal.datasetId);
  const planned = await planCases(em, proposal);
  const known = await query<{ case_key: string }>(
    em,
    `select case_key from evaluation_cases
     where dataset_id = $1 and case_key = any($2::text[]) and (state <> 'accepted' or last_version is null)`,
    [proposal.datasetId, planned.map(({ caseKey }) => caseKey)],
  );
  const keys = new Set(known.map((row) => row.case_key));
  const fresh = planned.filter(({ caseKey }) => !keys.has(caseKey));
  await insertCases(em, proposal, { version: null, offset: 0, fresh });
  return fresh.length;
}

/** Takes proposed cases over into the next version, and refuses others for good; counts what it took over. */
export async function settleProposals(
  em: EntityManager,
  decision: { workspaceId: string; datasetId: string; accept: readonly string[]; reject: readonly string[] },
): Promise<number> {
  const version = await lockDataset(em, decision.datasetId);
  await query(
    em,
    `update evaluation_cases set state = 'rejected' where dataset_id = $1 and id = any($2::uuid[]) and state = 'proposed'`,
    [decision.datasetId, decision.reject],
  );
  const accepted = await query(
    em,
    `update evaluation_cases c
     set state = 'accepted', first_version = $3,
         position = (select coalesce(max(position) + 1, 0) from evaluation_cases
                     where dataset_id = $1 and state = 'accepted' and last_version is null) + p.place
     from (select id, row_number() over (order by created_at, id)::integer - 1 as place from evaluation_cases
           where dataset_id = $1 and id = any($2::uuid[]) and state = 'proposed') p
     where c.id = p.id
       and not exists (select from evaluation_cases o where o.dataset_id = $1 and o.case_key = c.case_key
                       and o.state = 'accepted' and o.last_version is null)
     returning c.id`,
    [decision.datasetId, decision.accept, version + 1],
  );
  if (accepted.length > 0) {
    const origin = { kind: 'proposals', accepted: accepted.length };
    await closeVersion(em, { ...decision, version: version + 1, origin });
  }
  return accepted.length;
}
