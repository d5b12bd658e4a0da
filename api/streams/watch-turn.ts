import { finalTurnEventKinds } from '../../contracts/names/turn-events.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import { findTurn } from '../../entities/conversations/turn-repository.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { EventStream, ServerSentEvent } from './event-stream.ts';
import type { TurnWatcher } from './turn-feed.ts';

/** How often a stream makes sure that there is still something to come. */
const checkMs = 5_000;
const finalStates = ['completed', 'failed', 'cancelled'];

/** Sends the committed events of a turn behind `after` until its final one, or until nothing more can come. */
export async function watchTurn(watched: {
  deps: RouteDeps;
  stream: EventStream;
  workspaceId: string;
  turnId: string;
  after: number;
  /** Whether the turn had ended when the stream was opened. */
  ended: boolean;
}): Promise<void> {
  const { deps, stream, workspaceId, turnId, after } = watched;
  const over = Promise.withResolvers<void>();
  const watcher: TurnWatcher = {
    workspaceId,
    turnId,
    after,
    async take(events) {
      await stream.send(events.map(present));
      if (events.some((event) => finalTurnEventKinds.includes(event.kind))) over.resolve();
    },
  };
  const unwatch = deps.turnFeed.watch(watcher);
  // A client that comes back behind the final event, or to a turn that ended without one, must not wait for ever.
  const check = async (): Promise<void> => {
    const turn = await deps.database.inWorkspace(workspaceId, (em) => findTurn(em, turnId));
    if (turn && !finalStates.includes(turn.state)) return;
    const left = await deps.database.asOperator((em) => readTurnEvents(em, [watcher], 1));
    if (left.length === 0) over.resolve();
  };
  const calmly = (): void =>
    void check().catch((error: unknown) => deps.log.warn({ err: error }, 'a stream waits for the database'));
  const timer = setInterval(calmly, checkMs);
  if (watched.ended) calmly();
  stream.closed.addEventListener('abort', () => over.resolve());
  if (stream.closed.aborted) over.resolve();
  await over.promise;
  clearInterval(timer);
  unwatch();
}

function present({ seq, kind, data }: TurnEventRow): ServerSentEvent {
  return { id: seq, event: kind, data };
}
