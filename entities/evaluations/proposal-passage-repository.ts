import type { EntityManager } from '@mikro-orm/postgresql';
import type { ProviderUsage } from '../conversations/turn-usage-repository.ts';
import { settleUsage } from '../conversations/turn-usage-repository.ts';
import { query } from '../sql.ts';
import type { ProposalKey } from './case-proposal-repository.ts';

/** A passage that this attempt may ask about; without a text its document was deleted or replaced meanwhile. */
export type ClaimedPassage = {
  ordinal: number;
  attempt: number;
  crashes: number;
  document_id: string;
  chunk_index: number;
  title: string | null;
  text: string | null;
  replies: string[];
  /** For how long its calls have failed, in milliseconds; null while they do not. */
  faulty_ms: number | null;
};

/** One attempt at one passage. */
export type PassageAttempt = ProposalKey & { ordinal: number; attempt: number };

/**
 * Takes a passage over for one attempt; what an attempt before this one still does is fenced, and the call that it left open
 * is closed, since nobody will ever know its figures. Null where the passage or the proposal has ended.
 */
export async function claimPassage(
  em: EntityManager,
  { workspaceId, proposalId, ordinal }: ProposalKey & { ordinal: number },
): Promise<ClaimedPassage | null> {
  const [claimed] = await query<ClaimedPassage>(
    em,
    `with claimed as (
       update case_proposal_passages i
       set attempt = attempt + 1, crashes = crashes + case when i.state = 'asking' then 1 else 0 end, state = 'asking'
       from case_proposals p
       where p.id = $1 and p.status = 'running' and i.proposal_id = p.id and i.ordinal = $2
         and i.state in ('pending', 'asking')
       returning i.*, p.faulty_since as model_faulty_since)
     select i.ordinal, i.attempt, i.crashes, i.document_id, i.chunk_index, d.title, c.content as text, i.replies,
            extract(epoch from clock_timestamp() - least(i.faulty_since, i.model_faulty_since))::double precision * 1000
              as faulty_ms
     from claimed i
     left join documents d on d.id = i.document_id and d.deleted_at is null and d.active_generation = i.generation
     left join document_chunks c on c.workspace_id = d.workspace_id and c.document_id = d.id
       and c.generation = d.active_generation and c.chunk_index = i.chunk_index`,
    [proposalId, ordinal],
  );
  if (claimed === undefined) return null;
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now()
     where workspace_id = $1 and entity_type = 'evaluation' and entity_id = $2 and step = $3 and state = 'started'`,
    [workspaceId, proposalId, ordinal],
  );
  return claimed;
}

/** Writes the row of a paid call before the call is made; false where another attempt has the passage. */
export async function startProposalCall(
  em: EntityManager,
  attempt: PassageAttempt,
  call: { callId: string; modelId: string; pricing: Record<string, unknown> },
): Promise<boolean> {
  if (!(await holdPassage(em, attempt))) return false;
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, pricing)
     values ($1, $2, 'evaluation', $3, $4, $5, $6, $7) on conflict do nothing`,
    [
      call.callId,
      attempt.workspaceId,
      attempt.proposalId,
      call.modelId,
      attempt.ordinal,
      attempt.attempt,
      JSON.stringify(call.pricing),
    ],
  );
  return true;
}

/**
 * Settles a call and keeps what the model said, or that it failed. What was paid is settled whoever has the passage now;
 * false where that is another attempt.
 */
export async function settleProposalCall(
  em: EntityManager,
  attempt: PassageAttempt,
  call: { callId: string; usage: ProviderUsage; reply: string | null },
): Promise<boolean> {
  const { proposalId, ordinal } = attempt;
  // First of all: two that hold the proposal for a moment and then change it would wait for each other.
  await query(
    em,
    `update case_proposals set faulty_since = case when $2 then now() end
     where id = $1 and (faulty_since is null) = $2`,
    [proposalId, call.reply === null],
  );
  const isHeld = await holdPassage(em, attempt);
  await settleUsage(em, call.callId, call.usage, { wasAnswered: call.reply !== null });
  if (!isHeld) return false;
  await query(
    em,
    `update case_proposal_passages
     set replies = case when $3::text is null then replies else replies || jsonb_build_array($3::text) end,
         faulty_since = case when $3::text is null then coalesce(faulty_since, now()) end
     where proposal_id = $1 and ordinal = $2`,
    [proposalId, ordinal, call.reply],
  );
  return true;
}

/** Ends a passage, or leaves it for another attempt; false where another attempt has it. */
export async function endPassage(
  em: EntityManager,
  attempt: PassageAttempt,
  end: {
    state: 'pending' | 'done' | 'failed';
    proposed?: number;
    refused?: readonly { question: string; reason: string }[];
    error?: { code: string; detail: string };
  },
): Promise<boolean> {
  if (!(await holdPassage(em, attempt))) return false;
  await query(
    em,
    `update case_proposal_passages
     set state = $3, proposed = $4, refused = $5, error = $6,
         completed_at = case when $3 <> 'pending' then now() end
     where proposal_id = $1 and ordinal = $2`,
    [
      attempt.proposalId,
      attempt.ordinal,
      end.state,
      end.proposed ?? 0,
      JSON.stringify(end.refused ?? []),
      end.error === undefined ? null : JSON.stringify(end.error),
    ],
  );
  return true;
}

/** Holds a passage until the transaction ends, if the proposal runs and nobody has taken the passage over. */
export async function holdPassage(
  em: EntityManager,
  { proposalId, ordinal, attempt }: PassageAttempt,
): Promise<boolean> {
  const rows = await query(
    em,
    `select i.ordinal from case_proposals p join case_proposal_passages i on i.proposal_id = p.id
     where p.id = $1 and p.status = 'running' and i.ordinal = $2 and i.attempt = $3 and i.state = 'asking'
     for share of p for no key update of i`,
    [proposalId, ordinal, attempt],
  );
  return rows.length > 0;
}
