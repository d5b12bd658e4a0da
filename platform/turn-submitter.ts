import { context, propagation } from '@opentelemetry/api';
import { turnsChannel } from '../contracts/names/limits.ts';
import { turnNewsChannel, writeTurnNews } from '../contracts/names/turn-news.ts';
import type { NotificationListener } from './notification-listener.ts';
import type { Notifier } from './notifier.ts';
import type { CommittedTurn } from './work-starter.ts';

// Temporal's work would slow down an answer that is begun early: its conversation hears of the turn when the first text is
// with its readers, or 300 ms after its commit; sooner where nobody has begun to answer.
// Measured: docs/decisions/2026-11-22-early-model-call.md.
const beginMs = 60;
// From the begin.
const firstTextMs = 240;
// From the commit of the first text: this process is busy with sending it.
const sendingMs = 25;
// From here on a request waits for its own update, so that callers are slowed down to what Temporal can take.
const mostAtOnce = 40;

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
  notifications.subscribe(turnsChannel, (turnId) => {
    if (turnId !== null) announced.get(turnId)?.noteNews();
  });

  async function bringLater(turn: CommittedTurn, head: HeadStart): Promise<void> {
    try {
      await head.ended;
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
      announced.set(turnId, createHeadStart(conversationId));
      notifier.notify(turnNewsChannel, [writeTurnNews(trace === undefined ? { accepted } : { accepted, trace })]);
    },
    async submitTurn(turn) {
      const head = announced.get(turn.turnId);
      if (!head) {
        // Messages come to their conversation in their order.
        const before = [...onTheirWay].filter(([, { conversationId }]) => conversationId === turn.conversationId);
        for (const [, { end }] of before) end();
        await Promise.all(before.map(([brought]) => brought));
        return submit(turn);
      }
      const brought = bringLater(turn, head).finally(() => onTheirWay.delete(brought));
      onTheirWay.set(brought, head);
      if (onTheirWay.size > mostAtOnce) await brought;
    },
    async drain() {
      for (const { end } of onTheirWay.values()) end();
      await Promise.all(onTheirWay.keys());
    },
  };
}

/** What an announced turn waits for. */
type HeadStart = { conversationId: string; ended: Promise<void>; end: () => void; noteNews: () => void };

function createHeadStart(conversationId: string): HeadStart {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  // The first news is of the begin, the second of the first text, or of a step before it. Both may come as one: that costs
  // the rest of the wait.
  const waits = [firstTextMs, sendingMs];
  let timer = setTimeout(end, beginMs);
  return {
    ...{ conversationId, ended, end },
    noteNews() {
      const wait = waits.shift();
      if (wait === undefined) return;
      clearTimeout(timer);
      timer = setTimeout(end, wait);
    },
  };
}
