import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { turnEventsQuerySchema, turnSchema, turnWithAnswerSchema } from '../../contracts/turn.ts';
import { turnEventSchema } from '../../contracts/turn-event.ts';
import { findMessage } from '../../entities/conversations/message-repository.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import { findFollowedTurn, listCitations, requestCancel } from '../../entities/conversations/turn-repository.ts';
import { presentMessage } from '../conversations/present-message.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { watchTurn } from '../streams/watch-turn.ts';
import { auditRoute } from './audit-route.ts';
import { findVisibleTurn } from './find-visible-turn.ts';
import { presentTurn } from './present-turn.ts';

const get = defineRoute({
  method: 'GET',
  path: '/turns/{id}',
  tag: 'Turns',
  summary: 'One turn and, once it has one, its answer with citations',
  scope: 'conversations:read',
  params: idParamsSchema,
  responses: { 200: turnWithAnswerSchema },
  transaction: async (em, { params, user }) => {
    const turn = await findVisibleTurn(em, params.id, user);
    const answer = turn.assistant_message_id && (await findMessage(em, turn.assistant_message_id));
    const citations = answer ? await listCitations(em, [answer.id]) : [];
    return { status: 200, body: { ...presentTurn(turn), answer: answer ? presentMessage(answer, citations) : null } };
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/turns/{id}/cancel',
  tag: 'Turns',
  summary: 'Ask for the end of a turn that has not ended',
  description: 'Harmless when asked again, and when the turn has ended meanwhile; its state tells how it ended.',
  scope: 'conversations:write',
  params: idParamsSchema,
  responses: { 202: turnSchema },
  transaction: async (em, { params, user }) => {
    await findVisibleTurn(em, params.id, user);
    const turn = await requestCancel(em, params.id);
    return { status: 202, body: presentTurn(turn!) };
  },
  afterCommit: async (reply, { principal }, deps) => {
    const turn = turnSchema.parse(reply.body);
    if (turn.completed_at !== null) return;
    await deps.starter.cancelTurn({
      workspaceId: principal.workspaceId,
      conversationId: turn.conversation_id,
      agentId: turn.agent_id,
      turnId: turn.id,
    });
  },
});

const events = defineRoute({
  method: 'GET',
  path: '/turns/{id}/events',
  tag: 'Turns',
  summary: 'The answer as it is made',
  description:
    'Server-sent events; `id:` counts from 1 and `Last-Event-ID` (or the query last_event_id) resumes behind it, on any ' +
    'replica and after any crash. `text_delta` carries text; `reset` says that a crash discarded what came before it, so ' +
    'drop the text you have shown. `done`, `error` or `cancelled` is the last event. Whoever comes back behind it gets 204, at which an EventSource stops. ' +
    'A disconnect cancels nothing.',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: turnEventsQuerySchema,
  responses: {
    200: {
      mediaType: 'text/event-stream',
      description: 'Events as TurnEvent describes them',
      item: turnEventSchema,
    },
    204: null,
  },
  stream: async ({ params, query, user, principal, lastEventId }, deps) => {
    const { workspaceId } = principal;
    const after = query.last_event_id ?? readLastEventId(lastEventId);
    const asked = { workspaceId, turnId: params.id, user };
    const turn = await deps.database.readAsOperator((em) => findFollowedTurn(em, asked));
    if (!turn) throw notFound('turn');
    const ended = turn.hasEnded;
    const cursor = { workspaceId, turnId: params.id, after };
    if (ended && (await deps.database.readAsOperator((em) => readTurnEvents(em, [cursor], 1))).length === 0)
      return null;
    return (stream) => watchTurn({ deps, stream, workspaceId, turnId: params.id, after, ended });
  },
});

function readLastEventId(value: string | null): number {
  if (value === null) return 0;
  if (/^\d{1,15}$/.test(value)) return Number(value);
  throw new PerdureError('bad_request', 'The header Last-Event-ID must be the id of an event of this turn.');
}

/** Routes of turns; a turn is made by sending a message. */
export const turnRoutes = [get, cancel, events, auditRoute];
