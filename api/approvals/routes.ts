import { approvalSchema, listApprovalsQuerySchema, type Approval } from '../../contracts/approval.ts';
import { pageOf } from '../../contracts/page.ts';
import { listApprovals, type ApprovalView } from '../../entities/conversations/approval-view-repository.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { readCursor, toPage } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { presentToolCall } from '../tool-calls/present-tool-call.ts';

const placeCursor = /^[01]\/\d{1,16}\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const list = defineRoute({
  method: 'GET',
  path: '/approvals',
  tag: 'Tool calls',
  summary: 'What waits for a person, and what was decided; those that wait first',
  description:
    'Decide at /tool-calls/{id}/approve or …/deny, with the `id` and the `arguments_hash` of the call. An approval that ' +
    'nobody gives becomes a denial at `expires_at`. A request that names an end user sees their own conversations alone.',
  scope: 'conversations:read',
  query: listApprovalsQuerySchema,
  responses: { 200: pageOf(approvalSchema) },
  transaction: async (em, { query, user }) => {
    const nothing = { status: 200, body: { data: [], next_cursor: null } };
    if (user !== null && query.user !== undefined && query.user !== user) return nothing;
    const named = user ?? query.user ?? null;
    const userId = named === null ? null : await findUser(em, named);
    if (named !== null && userId === null) return nothing;
    const [rank, micros, id = ''] = readCursor(query.cursor, placeCursor)?.split('/') ?? [];
    const rows = await listApprovals(em, {
      state: query.state ?? null,
      conversationId: query.conversation ?? null,
      turnId: query.turn ?? null,
      userId,
      after: id === '' ? null : { isWaiting: rank === '0', requestedMicros: Number(micros), id },
      limit: query.limit + 1,
    });
    return { status: 200, body: toPage(rows, query.limit, placeOf, presentApproval) };
  },
});

function placeOf(row: ApprovalView): string {
  return `${row.approval_state === 'waiting' ? 0 : 1}/${row.requested_micros}/${row.approval_id}`;
}

function presentApproval(row: ApprovalView): Approval {
  const call = presentToolCall(row);
  if (!call.approval) throw new Error(`call ${row.id} was listed for an approval that it does not have`);
  return { ...call.approval, user: row.user, agent_id: row.agent_id, tool_call: call };
}

/** Routes of approvals; they are given by the routes of calls of tools. */
export const approvalRoutes = [list];
