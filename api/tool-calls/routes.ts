import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { turnsChannel } from '../../contracts/names/limits.ts';
import { pageOf } from '../../contracts/page.ts';
import {
  approveCallSchema,
  denyCallSchema,
  listToolCallsQuerySchema,
  settleCallSchema,
  toolCallSchema,
} from '../../contracts/tool-call.ts';
import { decideCall, settleCall, type DecisionOutcome } from '../../entities/conversations/decide-call.ts';
import {
  findToolCall,
  listToolCalls,
  type ToolCallView,
} from '../../entities/conversations/tool-call-view-repository.ts';
import { findUser } from '../../entities/tenancy/user-repository.ts';
import { findVisibleConversation } from '../conversations/find-visible-conversation.ts';
import { readCursor, toPage } from '../framework/page.ts';
import { defineRoute, type Reply, type RouteDeps, type RouteRequest } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { presentToolCall } from './present-tool-call.ts';

const placeCursor = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/\d{1,9}\/\d{1,9}$/;

const list = defineRoute({
  method: 'GET',
  path: '/tool-calls',
  tag: 'Tool calls',
  summary: 'Calls of tools, those of the newest turn first',
  description: 'With the state `needs_review`: the calls whose outcome a person must find out.',
  scope: 'conversations:read',
  query: listToolCallsQuerySchema,
  responses: { 200: pageOf(toolCallSchema) },
  transaction: async (em, { query, user }) => {
    const userId = user === null ? null : await findUser(em, user);
    if (user !== null && userId === null) return { status: 200, body: { data: [], next_cursor: null } };
    const [turnId = '', step, position] = readCursor(query.cursor, placeCursor)?.split('/') ?? [];
    const rows = await listToolCalls(em, {
      turnId: query.turn ?? null,
      conversationId: query.conversation ?? null,
      state: query.state ?? null,
      userId,
      after: turnId === '' ? null : { turnId, step: Number(step), position: Number(position) },
      limit: query.limit + 1,
    });
    const page = toPage(rows, query.limit, (row) => `${row.turn_id}/${row.step}/${row.position}`, presentToolCall);
    return { status: 200, body: page };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/tool-calls/{id}',
  tag: 'Tool calls',
  summary: 'One call of a tool: arguments, approval, outcome',
  scope: 'conversations:read',
  params: idParamsSchema,
  responses: { 200: toolCallSchema },
  transaction: async (em, { params, user }) => ({
    status: 200,
    body: presentToolCall(await findVisibleCall(em, params.id, user)),
  }),
});

const approve = defineRoute({
  method: 'POST',
  path: '/tool-calls/{id}/approve',
  tag: 'Tool calls',
  summary: 'Let a call run that waits for approval',
  description:
    'The decision is bound to the call and to arguments_hash, and holds from the moment of the answer, whatever crashes. ' +
    'The same decision again is the same one; another one is refused (409). `arguments` replaces what the model wrote.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: approveCallSchema,
  example: { arguments_hash: '0'.repeat(64), comment: 'Within the budget' },
  responses: { 200: toolCallSchema },
  problems: [409, 422],
  transaction: async (em, request, deps) => {
    const { params, body, principal, user } = request;
    const call = await findVisibleCall(em, params.id, user);
    const changed = body.arguments ?? null;
    if (changed !== null) {
      const reason = await deps.checkArguments(em, { ...call, workspaceId: principal.workspaceId }, changed);
      if (reason !== null) throw new PerdureError('bad_request', `body.arguments: ${reason}`);
    }
    const outcome = await decideCall(em, {
      callId: call.id,
      decision: 'approved',
      argumentsHash: body.arguments_hash,
      changedArguments: changed,
      comment: body.comment ?? null,
      by: deciderOf(request),
    });
    return replyTo(em, outcome, request, deps);
  },
});

const deny = defineRoute({
  method: 'POST',
  path: '/tool-calls/{id}/deny',
  tag: 'Tool calls',
  summary: 'Refuse a call that waits for approval; the model is told',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: denyCallSchema,
  example: { arguments_hash: '0'.repeat(64), comment: 'Ask the supplier first' },
  responses: { 200: toolCallSchema },
  problems: [409],
  transaction: async (em, request, deps) => {
    const { params, body, user } = request;
    const call = await findVisibleCall(em, params.id, user);
    const outcome = await decideCall(em, {
      callId: call.id,
      decision: 'denied',
      argumentsHash: body.arguments_hash,
      changedArguments: null,
      comment: body.comment ?? null,
      by: deciderOf(request),
    });
    return replyTo(em, outcome, request, deps);
  },
});

const settle = defineRoute({
  method: 'POST',
  path: '/tool-calls/{id}/settle',
  tag: 'Tool calls',
  summary: 'Say what became of a call whose outcome is unknown',
  description:
    'A call that writes, and that was interrupted, is not repeated by itself: its state is `needs_review`. Find out ' +
    'whether it had its effect, then say that it succeeded or failed, or have it run again.',
  scope: 'conversations:write',
  params: idParamsSchema,
  body: settleCallSchema,
  example: { outcome: 'succeeded', result: 'Order 4711 is there.' },
  responses: { 200: toolCallSchema },
  problems: [409],
  transaction: async (em, request, deps) => {
    const { params, body, user } = request;
    const call = await findVisibleCall(em, params.id, user);
    const { outcome, result = null } = body;
    const settled = await settleCall(em, { callId: call.id, outcome, result, by: deciderOf(request) });
    return replyTo(em, settled, request, deps);
  },
});

type CallRequest = RouteRequest<{ id: string }, unknown, unknown>;

/** Who decides, as it is kept: the end user that the request names, else the key. */
function deciderOf({ user, principal }: CallRequest): string {
  return user ?? `key:${principal.keyId}`;
}

async function findVisibleCall(em: EntityManager, id: string, user: string | null): Promise<ToolCallView> {
  const call = await findToolCall(em, id);
  if (!call) throw notFound('tool call');
  if (user !== null) await findVisibleConversation(em, call.conversation_id, user);
  return call;
}

/** Shows the call as the decision has left it; then tells the conversation, which goes on at once. */
async function replyTo(
  em: EntityManager,
  outcome: DecisionOutcome,
  { params, principal }: CallRequest,
  deps: RouteDeps,
): Promise<Reply> {
  if (outcome.outcome === 'refused') throw new PerdureError('conflict', outcome.reason);
  const call = await findToolCall(em, params.id);
  if (outcome.outcome === 'not_found' || !call) throw notFound('tool call');
  const { workspaceId } = principal;
  return {
    status: 200,
    body: presentToolCall(call),
    afterCommit: async () => {
      deps.notifier.notify(turnsChannel, [call.turn_id]);
      await deps.starter.decideCall({
        workspaceId,
        conversationId: call.conversation_id,
        agentId: call.agent_id,
        turnId: call.turn_id,
        callId: call.id,
      });
    },
  };
}

/** Routes of calls of tools, by which people decide about them. */
export const toolCallRoutes = [list, get, approve, deny, settle];
