import { finalTurnEventKinds } from '../../contracts/names/turn-events.ts';
import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import type { AcceptedTurn } from '../../entities/conversations/turn-window-repository.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { ConversationPosition } from './conversation-position.ts';
import type { EventStream, ServerSentEvent } from './event-stream.ts';
import { followTurn } from './follow-turn.ts';

/** Turns that have not ended of which one watcher hears at once; most of them wait in the queue. */
const mostOpenTurns = 100;

/**
 * Sends all turns of a conversation from a position on: those that have ended one after the other, those that are under
 * way as they go on, new ones as they are accepted. Ends when the client goes or the conversation is deleted.
 */
export async function watchConversation(watched: {
  deps: RouteDeps;
  stream: EventStream;
  workspaceId: string;
  conversationId: string;
  position: ConversationPosition;
}): Promise<void> {
  const { deps, stream, workspaceId, conversationId, position } = watched;
  const { closed } = stream;
  const over = Promise.withResolvers<void>();
  const open = new Set<Promise<void>>();

  const follow = async ({ id, number, has_ended: ended }: AcceptedTurn, after: number): Promise<void> => {
    await followTurn({
      ...{ deps, workspaceId, turnId: id, after, ended, closed },
      take: (events) => stream.send(events.map((event) => present(position, { id, number }, event))),
    });
    if (!closed.aborted) position.send(number, 'end');
  };

  const show = async (turn: AcceptedTurn): Promise<void> => {
    const sent = position.sentOf(turn.number);
    const isNew = position.announce(turn.number);
    if (sent === 'end') return;
    if (isNew) await stream.send([{ id: position.id, event: 'turn_accepted', data: announce(turn) }]);
    const followed = follow(turn, sent);
    if (turn.has_ended) return followed;
    open.add(followed);
    void followed.finally(() => open.delete(followed));
    while (open.size >= mostOpenTurns) await Promise.race(open);
  };

  const unwatch = deps.conversationFeed.watch({
    ...{ workspaceId, conversationId, after: position.complete },
    async take(turns) {
      for (const turn of turns) {
        if (closed.aborted) return;
        if (turn !== null) await show(turn);
        else {
          await stream.send([{ event: 'deleted', data: { id: conversationId } }]);
          over.resolve();
        }
      }
    },
  });
  closed.addEventListener('abort', () => over.resolve());
  if (closed.aborted) over.resolve();
  await over.promise;
  unwatch();
}

function present(
  position: ConversationPosition,
  { id, number }: { id: string; number: number },
  { seq, kind, data }: TurnEventRow,
): ServerSentEvent {
  position.send(number, finalTurnEventKinds.includes(kind) ? 'end' : seq);
  return { id: position.id, event: kind, data: { ...data, turn_id: id, seq } };
}

function announce({
  id,
  number,
  kind,
  user_message_id,
  question,
  replaces_turn_id,
}: AcceptedTurn): Record<string, unknown> {
  return { turn_id: id, number, kind, message_id: user_message_id, content: question, replaces_turn_id };
}
