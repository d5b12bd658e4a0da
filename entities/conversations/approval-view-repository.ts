import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { selectCalls, type ToolCallView } from './tool-call-view-repository.ts';

/** A call that has an approval, with its conversation's user; `requested_micros` tells its place in a list. */
export type ApprovalView = ToolCallView & {
  approval_id: string;
  user: string;
  /** Microseconds since the epoch. */
  requested_micros: string;
};

/** Where a list of approvals goes on: behind this place. */
export type ApprovalPlace = { isWaiting: boolean; requestedMicros: number; id: string };

/** Lists approvals, those that wait first, then the newest first; a user's own alone where one is given. */
export async function listApprovals(
  em: EntityManager,
  filter: {
    state: string | null;
    conversationId: string | null;
    turnId: string | null;
    userId: string | null;
    after: ApprovalPlace | null;
    limit: number;
  },
): Promise<ApprovalView[]> {
  const { after } = filter;
  return query<ApprovalView>(
    em,
    `select l.*, u.external_id as "user", (extract(epoch from l.requested_at) * 1000000)::bigint as requested_micros
     from (${selectCalls}
           where a.id is not null and ($1::text is null or a.state = $1)
             and ($2::uuid is null or c.conversation_id = $2) and ($3::uuid is null or c.turn_id = $3)
             and ($4::uuid is null or v.user_id = $4)) as l
     join conversations o on o.id = l.conversation_id
     join users u on u.id = o.user_id
     where $5::boolean is null
        or (case when l.approval_state = 'waiting' then 0 else 1 end, -extract(epoch from l.requested_at) * 1000000,
            l.approval_id) > (case when $5 then 0 else 1 end, -($6::bigint)::numeric, $7::uuid)
     order by case when l.approval_state = 'waiting' then 0 else 1 end, l.requested_at desc, l.approval_id
     limit $8`,
    [
      filter.state,
      filter.conversationId,
      filter.turnId,
      filter.userId,
      after?.isWaiting ?? null,
      after?.requestedMicros ?? null,
      after?.id ?? null,
      filter.limit,
    ],
  );
}
