import type { EntityManager } from '@mikro-orm/postgresql';
import type { CaseInput } from '../../contracts/evaluation-case.ts';
import { query } from '../sql.ts';

/** A stored case. */
export type CaseRow = {
  id: string;
  case_key: string;
  position: number;
  state: 'accepted' | 'proposed' | 'rejected';
  first_version: number | null;
  last_version: number | null;
  input: CaseInput;
  expected_answer: string | null;
  expected_documents: Array<{ document: string; grade: number }>;
  expected_chunks: Array<{ document: string; chunk_index: number; grade: number }>;
  expected_tool_calls: Array<{ name: string; arguments?: unknown }> | null;
  is_unanswerable: boolean;
  tags: string[];
  metadata: Record<string, unknown>;
  content_hash: string;
  created_at: Date;
};

const columns = `id, case_key, position, state, first_version, last_version, input, expected_answer, expected_documents,
  expected_chunks, expected_tool_calls, is_unanswerable, tags, metadata, content_hash, created_at`;

/** The SQL condition that a case belongs to the version in parameter `$2` of the data set in `$1`. */
export const inVersion = `dataset_id = $1 and state = 'accepted' and first_version <= $2
  and (last_version is null or last_version >= $2)`;

/** The cases of a version in their order, behind a position and id. */
export async function listCases(
  em: EntityManager,
  page: { datasetId: string; version: number; after: { position: number; id: string } | null; limit: number },
): Promise<CaseRow[]> {
  return query<CaseRow>(
    em,
    `select ${columns} from evaluation_cases
     where ${inVersion} and ($3::integer is null or (position, id) > ($3, $4::uuid)) order by position, id limit $5`,
    [page.datasetId, page.version, page.after?.position ?? null, page.after?.id ?? null, page.limit],
  );
}

/** Cases that wait for a person, oldest first, behind an id. */
export async function listProposedCases(
  em: EntityManager,
  page: { datasetId: string; afterId: string | null; limit: number },
): Promise<CaseRow[]> {
  return query<CaseRow>(
    em,
    `select ${columns} from evaluation_cases
     where dataset_id = $1 and state = 'proposed' and ($2::uuid is null or id > $2) order by id limit $3`,
    [page.datasetId, page.afterId, page.limit],
  );
}

/** The cases of two versions that are not in both, those of the earlier first. */
export async function readDifference(
  em: EntityManager,
  { datasetId, from, to }: { datasetId: string; from: number; to: number },
): Promise<{ before: CaseRow[]; after: CaseRow[] }> {
  const only = (inside: number, outside: number) =>
    query<CaseRow>(
      em,
      `select ${columns} from evaluation_cases
       where ${inVersion} and not (first_version <= $3 and (last_version is null or last_version >= $3))
       order by position, id`,
      [datasetId, inside, outside],
    );
  return { before: await only(from, to), after: await only(to, from) };
}

/** One version of a data set. */
export type DatasetVersionRow = {
  version: number;
  case_count: number;
  content_hash: string;
  origin: Record<string, unknown>;
  created_at: Date;
};

/** The versions of a data set, newest first, below `beforeVersion`. */
export async function listDatasetVersions(
  em: EntityManager,
  page: { datasetId: string; beforeVersion: number | null; limit: number },
): Promise<DatasetVersionRow[]> {
  return query<DatasetVersionRow>(
    em,
    `select version, case_count, content_hash, origin, created_at from evaluation_dataset_versions
     where dataset_id = $1 and ($2::integer is null or version < $2) order by version desc limit $3`,
    [page.datasetId, page.beforeVersion, page.limit],
  );
}

/** One version of a data set; null where there is none of that number. */
export async function findDatasetVersion(
  em: EntityManager,
  datasetId: string,
  version: number,
): Promise<DatasetVersionRow | null> {
  const [row] = await query<DatasetVersionRow>(
    em,
    `select version, case_count, content_hash, origin, created_at from evaluation_dataset_versions
     where dataset_id = $1 and version = $2`,
    [datasetId, version],
  );
  return row ?? null;
}

/** An answer that somebody rated, with the question before it. */
export type RatedAnswer = {
  message_id: string;
  question: string;
  answer: string;
  rating: number;
  comment: string;
  /** What was said before the question, oldest first, in the branch of the answer. */
  before: Array<{ role: 'user' | 'assistant'; content: string }>;
};

/** Rated answers, newest feedback first; one answer once, with its worst rating. */
export async function readRatedAnswers(
  em: EntityManager,
  which: { rating: number | null; agentId: string | null; from: string | null; limit: number },
): Promise<RatedAnswer[]> {
  return query<RatedAnswer>(
    em,
    `with rated as (
       select f.message_id, min(f.rating)::integer as rating, max(f.created_at) as given_at,
              string_agg(nullif(f.comment, ''), ' / ' order by f.created_at) as comment
       from feedback f join messages m on m.id = f.message_id join conversations c on c.id = m.conversation_id
       where ($1::integer is null or f.rating = $1) and ($2::uuid is null or c.agent_id = $2)
         and ($3::timestamptz is null or f.created_at >= $3) and c.deleted_at is null and m.sender = 'assistant'
       group by f.message_id order by given_at desc limit $4)
     select r.message_id, q.content as question, a.content as answer, r.rating, coalesce(r.comment, '') as comment,
            coalesce((
              with recursive line as (
                select p.id, p.parent_id, p.sender, p.content, 1 as depth from messages p where p.id = q.parent_id
                union all
                select p.id, p.parent_id, p.sender, p.content, depth + 1 from line l join messages p on p.id = l.parent_id
                where depth < 40)
              select jsonb_agg(jsonb_build_object('role', sender, 'content', content) order by depth desc)
              from line where sender in ('user', 'assistant')), '[]') as before
     from rated r join messages a on a.id = r.message_id join messages q on q.id = a.parent_id and q.sender = 'user'
     order by r.given_at desc`,
    [which.rating, which.agentId, which.from, which.limit],
  );
}
