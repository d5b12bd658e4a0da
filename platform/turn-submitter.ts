import { context, propagation } from '@opentelemetry/api';
import { turnsChannel } from '../contracts/names/limits.ts';
import { turnNewsChannel, writeTurnNews } from '../contracts/names/turn-news.ts';
import type { NotificationListener } from './notification-listener.ts';
import type { Notifier } from './notifier.ts';
import type { CommittedTurn } from './work-starter.ts';

// Temporal's work would slow down answers that are begun early: a conversation hears of its turn when the first text is with
// its readers, or while its model thinks for longer; and soon where nobody has begun to answer.
// Measured: docs/decisions/2026-11-22-early-model-call.md.
const beginMs = 150;
// From the first news, which is of the first text, that this process is busy with sending, or of a begin without one.
const sendingMs = 25;
// A turn that was just committed and has said nothing holds the updates of all others back, so that the first texts of
// turns that come together are not slowed down by the updates of those among them that were quicker.
const freshMs = 400;
// From the announcement; nothing of others holds an update back for longer.
const mostWaitMs = 600;
// From here on a request waits for its own update, so that callers are slowed down to what Temporal can take.
const mostAtOnce = 60;

/** Brings committed turns to the workers and to their conversations. */
export interface TurnSubmitter {
  /** Tells the workers of a turn that was just committed and has its conversation to itself: one may answer it at once. */
  announceTurn(turn: CommittedTurn): void;
  /** Brings a turn to its conversation; one that was announced in the background, unless very many are on their way. */
  submitTurn(turn: CommittedTurn): Promise<void>;
  /** Waits for what is on its way. */
  drain(): Promise<void>;
}

/** Makes the submitter of one process; what `submit` could not bring is told to `onFailure` and left to the sweep. */
export function createTurnSubmitter({
  notifier,
  notifications,
  submit,
  onFailure,
}: {
  notifier: Pick<Notifier, 'notify'>;
  notifications: Pick<NotificationListener, 'subscribe'>;
  submit: (turn: CommittedTurn) => Promise<void>;
  onFailure: (turn: CommittedTurn, error: unknown) => void;
}): TurnSubmitter {
  const announced = new Map<string, HeadStart>();
  const onTheirWay = new Map<Promise<void>, HeadStart>();
  const crowd = createCrowd();
  notifications.subscribe(turnsChannel, (turnId) => {
    if (turnId !== null) announced.get(turnId)?.noteNews();
  });

  async function bringLater(turn: CommittedTurn, head: HeadStart): Promise<void> {
    try {
      await Promise.race([head.hurried, head.waited.then(() => crowd.hasPassed(turn.turnId, head.announcedAt))]);
      announced.delete(turn.turnId);
      await submit(turn);
    } catch (error) {
      onFailure(turn, error);
    }
  }

  return {
    announceTurn(turn) {
      const { workspaceId, conversationId, turnId } = turn;
      const carrier: { traceparent?: string } = {};
      propagation.inject(context.active(), carrier);
      const { traceparent: trace } = carrier;
      const accepted = { workspaceId, conversationId, turnId };
      crowd.join(turnId);
      announced.set(
        turnId,
        createHeadStart(conversationId, () => crowd.leave(turnId)),
      );
      notifier.notify(turnNewsChannel, [writeTurnNews(trace === undefined ? { accepted } : { accepted, trace })]);
    },
    async submitTurn(turn) {
      const head = announced.get(turn.turnId);
      if (!head) {
        // Messages come to their conversation in their order.
        const before = [...onTheirWay].filter(([, { conversationId }]) => conversationId === turn.conversationId);
        for (const [, { hurry }] of before) hurry();
        await Promise.all(before.map(([brought]) => brought));
        return submit(turn);
      }
      const brought = bringLater(turn, head).finally(() => onTheirWay.delete(brought));
      onTheirWay.set(brought, head);
      if (onTheirWay.size > mostAtOnce) await brought;
    },
    async drain() {
      for (const { hurry } of onTheirWay.values()) hurry();
      await Promise.all(onTheirWay.keys());
    },
  };
}

/** What an announced turn waits for: its own first text, unless it is in a hurry. */
type HeadStart = {
  conversationId: string;
  /** By the process's own clock. */
  announcedAt: number;
  waited: Promise<void>;
  hurried: Promise<void>;
  hurry: () => void;
  noteNews: () => void;
};

function createHeadStart(conversationId: string, onNews: () => void): HeadStart {
  const { promise: waited, resolve: end } = Promise.withResolvers<void>();
  const { promise: hurried, resolve: hurry } = Promise.withResolvers<void>();
  let hasNews = false;
  let timer = setTimeout(end, beginMs);
  return {
    ...{ conversationId, announcedAt: performance.now(), waited, hurried, hurry },
    noteNews() {
      if (hasNews) return;
      hasNews = true;
      onNews();
      clearTimeout(timer);
      timer = setTimeout(end, sendingMs);
    },
  };
}

/** Turns that were just committed and have said nothing yet. */
type Crowd = {
  join(turnId: string): void;
  leave(turnId: string): void;
  /** Resolves when nobody else is in it, or this turn has waited long enough. */
  hasPassed(turnId: string, announcedAt: number): Promise<void>;
};

function createCrowd(): Crowd {
  const fresh = new Set<string>();
  const waiting = new Map<string, () => void>();
  const others = (turnId: string) => fresh.size - (fresh.has(turnId) ? 1 : 0);
  const leave = (turnId: string): void => {
    if (!fresh.delete(turnId)) return;
    for (const [waits, pass] of waiting) if (others(waits) === 0) pass();
  };
  return {
    leave,
    join(turnId) {
      fresh.add(turnId);
      setTimeout(() => leave(turnId), freshMs).unref();
    },
    async hasPassed(turnId, announcedAt) {
      if (others(turnId) === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(turnId, resolve);
      const timer = setTimeout(resolve, announcedAt + mostWaitMs - performance.now());
      await promise;
      clearTimeout(timer);
      waiting.delete(turnId);
    },
  };
}
