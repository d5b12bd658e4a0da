import type { EntityManager } from '@mikro-orm/postgresql';
import type { ProposalConfiguration } from '../../contracts/names/evaluation-plan.ts';
import { query } from '../sql.ts';

/** One proposal. */
export type ProposalKey = { workspaceId: string; proposalId: string };

type ProposalStatus = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** A proposal with the number of its passages by state, and of the cases that it made. */
export type ProposalRow = {
  id: string;
  dataset_id: string;
  status: ProposalStatus;
  configuration: ProposalConfiguration;
  error: { code: string; detail: string } | null;
  created_at: Date;
  updated_at: Date;
  completed_at: Date | null;
  passages: Partial<Record<'pending' | 'asking' | 'done' | 'failed' | 'cancelled', number>>;
  proposed: number;
  refused: number;
  /** Why passages failed, one reason each. */
  faults: { code: string; detail: string }[];
};

const columns = `
  p.id, p.dataset_id, p.status, p.configuration, p.error, p.created_at, p.updated_at, p.completed_at, s.*
  from case_proposals p
  cross join lateral (
    select coalesce(jsonb_object_agg(state, n), '{}') as passages, coalesce(sum(proposed), 0)::integer as proposed,
           coalesce(sum(refused), 0)::integer as refused,
           coalesce(jsonb_agg(fault) filter (where fault is not null), '[]') as faults
    from (select state, count(*) as n, sum(proposed) as proposed, sum(jsonb_array_length(refused)) as refused,
                 (array_agg(error) filter (where state = 'failed'))[1] as fault
          from case_proposal_passages where proposal_id = p.id group by state) by_state) s`;

/** A proposal of a data set; null where there is none. */
export async function findProposal(em: EntityManager, datasetId: string, id: string): Promise<ProposalRow | null> {
  const [row] = await query<ProposalRow>(em, `select ${columns} where p.dataset_id = $1 and p.id = $2`, [
    datasetId,
    id,
  ]);
  return row ?? null;
}

/** The proposals of a data set, newest first, below an id. */
export async function listProposals(
  em: EntityManager,
  page: { datasetId: string; beforeId: string | null; limit: number },
): Promise<ProposalRow[]> {
  return query<ProposalRow>(
    em,
    `select ${columns} where p.dataset_id = $1 and ($2::uuid is null or p.id < $2) order by p.id desc limit $3`,
    [page.datasetId, page.beforeId, page.limit],
  );
}

/**
 * Writes a proposal with the passages that its model is to be asked about: of documents that everybody may see, one of each
 * document before a second of any, in an order that the seed decides. Returns how many there are.
 */
export async function createProposal(
  em: EntityManager,
  proposal: ProposalKey & {
    datasetId: string;
    configuration: ProposalConfiguration;
    /** Null: all. */
    documents: readonly string[] | null;
    knowledgeSourceId: string | null;
    passages: number;
    seed: number;
  },
): Promise<number> {
  const { workspaceId, proposalId } = proposal;
  await query(em, `insert into case_proposals (id, workspace_id, dataset_id, configuration) values ($1, $2, $3, $4)`, [
    proposalId,
    workspaceId,
    proposal.datasetId,
    JSON.stringify(proposal.configuration),
  ]);
  const chosen = await query(
    em,
    `insert into case_proposal_passages (proposal_id, ordinal, workspace_id, document_id, generation, chunk_index)
     select $1, row_number() over (order by nth, place) - 1, $2, document_id, generation, chunk_index
     from (select c.document_id, c.generation, c.chunk_index, h.place,
                  row_number() over (partition by c.document_id order by h.place) as nth
           from documents d
           join document_chunks c on c.workspace_id = d.workspace_id and c.document_id = d.id
             and c.generation = d.active_generation
           cross join lateral (select md5($3::text || '/' || c.document_id || '/' || c.chunk_index) as place) h
           where d.workspace_id = $2 and d.deleted_at is null and d.is_global and c.token_count >= $4
             and ($5::uuid[] is null or d.id = any($5)) and ($6::uuid is null or d.knowledge_source_id = $6)
           order by nth, h.place limit $7) chosen
     returning ordinal`,
    [
      proposalId,
      workspaceId,
      proposal.seed,
      leastTokens,
      proposal.documents,
      proposal.knowledgeSourceId,
      proposal.passages,
    ],
  );
  return chosen.length;
}

// A heading or a line by itself answers nothing.
const leastTokens = 12;

/** Lets a proposal begin or go on: its open passages, by their numbers; null if it has ended. */
export async function beginProposal(em: EntityManager, { proposalId }: ProposalKey): Promise<number[] | null> {
  const begun = await query(
    em,
    `update case_proposals set status = 'running', updated_at = now()
     where id = $1 and status in ('queued', 'running') returning id`,
    [proposalId],
  );
  if (begun.length === 0) return null;
  const open = await query<{ ordinal: number }>(
    em,
    `select ordinal from case_proposal_passages where proposal_id = $1 and state in ('pending', 'asking') order by ordinal`,
    [proposalId],
  );
  return open.map(({ ordinal }) => ordinal);
}

/** What the steps of a proposal need to know of it; null where it does not run. */
export async function readProposalPlan(
  em: EntityManager,
  { proposalId }: ProposalKey,
): Promise<{ datasetId: string; configuration: ProposalConfiguration } | null> {
  const [row] = await query<{ datasetId: string; configuration: ProposalConfiguration }>(
    em,
    `select p.dataset_id as "datasetId", p.configuration
     from case_proposals p join evaluation_datasets d on d.id = p.dataset_id
     where p.id = $1 and p.status = 'running' and d.deleted_at is null`,
    [proposalId],
  );
  return row ?? null;
}

/** Ends a proposal that has not ended, and what is open of it; false if it has. What was proposed stays. */
export async function endProposal(
  em: EntityManager,
  { proposalId }: ProposalKey,
  end: { status: 'completed' | 'failed' | 'cancelled'; error: { code: string; detail: string } | null },
): Promise<boolean> {
  const ended = await query(
    em,
    `update case_proposals set status = $2, error = $3, completed_at = now()
     where id = $1 and status in ('queued', 'running') returning id`,
    [proposalId, end.status, end.error && JSON.stringify(end.error)],
  );
  if (ended.length === 0) return false;
  await query(
    em,
    `update case_proposal_passages set state = 'cancelled', completed_at = now()
     where proposal_id = $1 and state in ('pending', 'asking')`,
    [proposalId],
  );
  return true;
}

/** A proposal that nobody may be working on. */
export type StrayProposal = ProposalKey & { status: 'queued' | 'running'; restarts: number };

/**
 * Finds proposals that were accepted a few seconds ago and have not begun, and those that nobody has told to be alive for a
 * while; the next look leaves them alone for as long. For the operator role.
 */
export async function claimStrayProposals(em: EntityManager, limit: number): Promise<StrayProposal[]> {
  return query<StrayProposal>(
    em,
    `update case_proposals p set updated_at = now()
     from (select id from case_proposals
           where status = 'queued' and updated_at < now() - interval '5 seconds'
              or status = 'running' and updated_at < now() - interval '30 seconds'
           order by updated_at limit $1 for update skip locked) stray
     where p.id = stray.id
     returning p.workspace_id as "workspaceId", p.id as "proposalId", p.status, p.restarts`,
    [limit],
  );
}

/** Notes that the workflow of a proposal is started which should have been running. For the operator role. */
export async function noteProposalRestart(em: EntityManager, { proposalId }: ProposalKey): Promise<void> {
  await query(em, `update case_proposals set restarts = restarts + 1 where id = $1`, [proposalId]);
}
