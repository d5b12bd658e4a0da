import { finalTurnEventKinds } from '../../contracts/names/turn-events.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import { findTurn } from '../../entities/conversations/turn-repository.ts';
import type { RouteDeps } from '../framework/route.ts';
import type { TurnWatcher } from './turn-feed.ts';

/** How often a stream makes sure that there is still something to come. */
const checkMs = 5_000;
const finalStates = ['completed', 'failed', 'cancelled'];

/** A turn that is followed from an event on; `take` resolves when there is room for more. */
export type FollowedTurn = {
  deps: Pick<RouteDeps, 'database' | 'log' | 'turnFeed'>;
  workspaceId: string;
  turnId: string;
  after: number;
  /** Whether the turn had ended when it was looked for. */
  ended: boolean;
  /** Aborted when nobody listens any more. */
  closed: AbortSignal;
  take(events: TurnEventRow[]): Promise<void>;
};

/** Gives the committed events of a turn behind `after` until its final one, or until nothing more can come. */
export async function followTurn({
  deps,
  workspaceId,
  turnId,
  after,
  ended,
  closed,
  take,
}: FollowedTurn): Promise<void> {
  const over = Promise.withResolvers<void>();
  const watcher: TurnWatcher = {
    workspaceId,
    turnId,
    after,
    async take(events) {
      await take(events);
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
  if (ended) calmly();
  const leave = (): void => over.resolve();
  closed.addEventListener('abort', leave);
  if (closed.aborted) leave();
  await over.promise;
  closed.removeEventListener('abort', leave);
  clearInterval(timer);
  unwatch();
}
