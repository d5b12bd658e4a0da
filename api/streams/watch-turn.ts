import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import type { EventStream, ServerSentEvent } from './event-stream.ts';
import { followTurn, type FollowedTurn } from './follow-turn.ts';

/** Sends the committed events of a turn behind `after` until its final one, or until nothing more can come. */
export async function watchTurn({
  stream,
  ...turn
}: Omit<FollowedTurn, 'closed' | 'take'> & { stream: EventStream }): Promise<void> {
  await followTurn({ ...turn, closed: stream.closed, take: (events) => stream.send(events.map(present)) });
}

function present({ seq, kind, data }: TurnEventRow): ServerSentEvent {
  return { id: seq, event: kind, data };
}
