import { conversationEventSchema, conversationEventsQuerySchema } from '../../contracts/conversation-event.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { readOpenTurns } from '../../entities/conversations/turn-window-repository.ts';
import { defineRoute } from '../framework/route.ts';
import { ConversationPosition } from '../streams/conversation-position.ts';
import { watchConversation } from '../streams/watch-conversation.ts';
import { findVisibleConversation } from './find-visible-conversation.ts';

/** `GET /conversations/{id}/events`: all turns of a conversation in one stream. */
export const eventsRoute = defineRoute({
  method: 'GET',
  path: '/conversations/{id}/events',
  tag: 'Conversations',
  summary: 'Everything that happens in a conversation, as it happens',
  description:
    'Server-sent events: those of all turns in their order, each with its `turn_id`, and `turn_accepted` for each turn. ' +
    'An `approval_required` tells that a person is waited for. `Last-Event-ID` (or the query last_event_id) resumes ' +
    'exactly, on any replica and after any crash. The stream stays open until the conversation is deleted (`deleted`).',
  scope: 'conversations:read',
  params: idParamsSchema,
  query: conversationEventsQuerySchema,
  responses: {
    200: {
      mediaType: 'text/event-stream',
      description: 'Events as ConversationEvent describes them',
      item: conversationEventSchema,
    },
  },
  stream: async ({ params, query, user, principal, lastEventId }, deps) => {
    const { workspaceId } = principal;
    const { id: conversationId } = params;
    const resumed = query.last_event_id ?? lastEventId;
    const position = await deps.database.inWorkspace(workspaceId, async (em) => {
      await findVisibleConversation(em, conversationId, user);
      if (resumed !== null) return ConversationPosition.parse(resumed);
      if (query.from === 'beginning') return new ConversationPosition();
      return ConversationPosition.now(await readOpenTurns(em, conversationId));
    });
    return (stream) => watchConversation({ deps, stream, workspaceId, conversationId, position });
  },
});
