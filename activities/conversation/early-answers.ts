import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import { propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import { readTurnNews, writeTurnNews } from '../../contracts/names/turn-news.ts';
import type { TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import {
  endLease,
  isTurnWanted,
  renewLeases,
  type ActivityRun,
} from '../../entities/conversations/turn-lease-repository.ts';
import { createAdoptionNotes } from './adoption-notes.ts';
import { beginNextEarly, beginTurnEarly, goOn, type OpenTurn } from './advance-turn.ts';
import type { Adoption } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { fewAtOnce } from './few-at-once.ts';
import { areQuickReads, serveReads } from './serve-reads.ts';

// As long as the heartbeat's time-out of the activity, whose place the lease takes.
const leaseMs = 3000;
const renewEveryMs = 750;
// Beside the activities of the process, so that news of many turns cannot take all of its memory.
const mostAtOnce = 50;
// The activity that adopts an answer has ten minutes, of which the last call of the model may take what is left.
const mostWithReadsMs = 60_000;
// Of turns that come together the first ones have their answers sooner, and the last ones no later, where few are begun at
// a time.
const mostBegunAtOnce = 4;
// For so long an answer that has ended is remembered for its activity, which otherwise asks the rows.
const rememberedMs = 10_000;
// A lost notification of an answer's end costs at most this long.
const longestLookMs = 1000;

/** Answers that are begun as soon as their message is committed, before the conversation's workflow has heard of the turn. */
export interface EarlyAnswers {
  /** Takes in a notification of `turnNewsChannel`: begins to answer a turn that was just committed, if nobody else does. */
  hear(payload: string | null): void;
  /**
   * Makes an early answer of this process that of an activity, and resolves as the activity is to; null where none is
   * given. Only a first attempt takes one over: a later one ends it. @throws as the activity is to.
   */
  adopt(turnId: string, run: ActivityRun, signal: AbortSignal): Promise<TurnVerdict | null>;
  /** Resolves when the early answer of another process may have ended, after `milliseconds` at the latest. */
  untilEnded(turnId: string, milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Begins no further answer, and ends those that no activity has: whoever does go on with them may do so at once. */
  close(): Promise<void>;
}

type EarlyAnswer = {
  turn: TurnInput;
  stop: AbortController;
  adoption: Adoption;
  isBegun: boolean;
  hasEnded: boolean;
  /** Null where it was not begun. */
  verdict: Promise<TurnVerdict | null>;
};

/**
 * Makes the early answers of one process; `tell` notifies other processes. The turn is leased from its begin to its end:
 * a process that dies leaves it to the workflow's activity after three seconds at the most.
 */
export function createEarlyAnswers(deps: ConversationDeps, tell: (payload: string) => void): EarlyAnswers {
  const answers = new Map<string, EarlyAnswer>();
  const waiting = new Map<string, Set<() => void>>();
  const notes = createAdoptionNotes(deps.database);
  const inOrder = fewAtOnce(mostBegunAtOnce);
  let renewal: NodeJS.Timeout | null = null;
  let isClosed = false;

  async function run(answer: EarlyAnswer): Promise<TurnVerdict | null> {
    const { turn, adoption } = answer;
    try {
      // What cannot be begun now is left to the activity, which says why.
      const open = await inOrder(() => beginTurnEarly(deps, turn, { leaseMs, adoption }).catch(() => null));
      if (open === null) return null;
      answer.isBegun = true;
      const verdict = await goThrough(answer, open);
      if (verdict.state === 'tools' && adoption.by === null) await letGo(answer, 0);
      return verdict;
    } catch (error) {
      await letGo(answer, delayOf(error));
      throw error;
    } finally {
      end(answer);
    }
  }

  /** Goes on with a turn until it ends, or waits for what is a matter of its workflow. */
  async function goThrough({ turn, stop: { signal } }: EarlyAnswer, first: OpenTurn): Promise<TurnVerdict> {
    const until = performance.now() + mostWithReadsMs;
    const runner = { signal, attempt: 1, isLast: false };
    for (let open = first; ;) {
      const verdict = await goOn(deps, open, runner);
      const leftMs = until - performance.now();
      if (verdict.state !== 'tools' || !areQuickReads(verdict.calls, leftMs)) return verdict;
      await serveReads(deps, turn, verdict.calls, { leftMs, signal });
      const next = await beginNextEarly(deps, { ...open.attempt, step: verdict.step });
      if ('open' in next) return { ...verdict, calls: next.open };
      open = next;
    }
  }

  function end(answer: EarlyAnswer): void {
    const { turn, adoption, isBegun } = answer;
    const { by } = adoption;
    answer.hasEnded = true;
    // One that was not begun may be another process's, whose lease is not to be ended.
    if (isBegun && by !== null && !adoption.isNoted) notes.add(turn.turnId, by);
    if (isBegun && by === null) {
      tell(writeTurnNews({ ended: turn.turnId }));
      globalThis.setTimeout(() => forget(answer), rememberedMs).unref();
    } else forget(answer);
  }

  function forget({ turn }: EarlyAnswer): void {
    answers.delete(turn.turnId);
    if (renewal === null || answers.size > 0) return;
    clearInterval(renewal);
    renewal = null;
  }

  /** Whoever goes on with the turn may do so after `delayMs`; if even this fails, when the lease has run out. */
  async function letGo({ turn, adoption }: EarlyAnswer, delayMs: number): Promise<void> {
    const { by } = adoption;
    if (by !== null) return notes.write([{ turnId: turn.turnId, run: by }]).catch(() => {});
    await deps.database.inWorkspace(turn.workspaceId, (em) => endLease(em, turn.turnId, delayMs)).catch(() => {});
  }

  /**
   * A cancel may have overtaken the update that brings the turn: then the conversation has ended it before, and would wait
   * for ever for people to decide about its calls.
   */
  async function isStillSo({ turn }: EarlyAnswer, { state }: TurnVerdict): Promise<boolean> {
    return state !== 'tools' || deps.database.inWorkspace(turn.workspaceId, (em) => isTurnWanted(em, turn.turnId));
  }

  async function renew(): Promise<void> {
    const begun = [...answers.values()].filter(({ isBegun, hasEnded }) => isBegun && !hasEnded);
    for (const { turn, adoption } of begun) {
      if (adoption.by === null || adoption.isNoted) continue;
      adoption.isNoted = true;
      notes.add(turn.turnId, adoption.by);
    }
    const own = begun.filter(({ adoption }) => adoption.by === null).map(({ turn }) => turn.turnId);
    if (own.length === 0) return;
    const busy = await deps.database.asOperator((em) => renewLeases(em, own, leaseMs));
    for (const turnId of busy) await deps.database.asOperator((em) => renewLeases(em, [turnId], leaseMs));
  }

  function begin(turn: TurnInput, traceparent: string | undefined): void {
    const present = [...answers.values()].filter(({ adoption, hasEnded }) => adoption.by === null && !hasEnded);
    if (isClosed || answers.has(turn.turnId) || present.length >= mostAtOnce) return;
    const answer: EarlyAnswer = {
      ...{ turn, stop: new AbortController(), adoption: { by: null, isNoted: false }, isBegun: false, hasEnded: false },
      verdict: Promise.resolve(null),
    };
    answers.set(turn.turnId, answer);
    answer.verdict = inTrace(traceparent, () => run(answer));
    // Whom it concerns, its rows tell.
    answer.verdict.catch(() => {});
    renewal ??= setInterval(() => void renew().catch(() => {}), renewEveryMs);
  }

  return {
    hear(payload) {
      const news = payload === null ? null : readTurnNews(payload);
      if (news === null) return;
      if ('ended' in news) waiting.get(news.ended)?.forEach((wake) => wake());
      else begin(news.accepted, news.trace);
    },

    async adopt(turnId, activity, signal) {
      const answer = answers.get(turnId);
      // A later attempt finds out from the rows how things are.
      if (!answer || (answer.hasEnded && activity.attempt > 1)) return null;
      if (activity.attempt > 1) {
        answer.stop.abort(new Error('A later attempt of the step goes on with the turn.'));
        await answer.verdict.catch(() => {});
        return null;
      }
      if (answer.hasEnded) {
        forget(answer);
        // Of one that has failed the rows tell how to go on.
        const verdict = await answer.verdict.catch(() => null);
        if (verdict === null || !(await isStillSo(answer, verdict))) return null;
        notes.add(turnId, activity);
        return verdict;
      }
      answer.adoption.by = activity;
      const cancel = (): void => answer.stop.abort(signal.reason);
      signal.addEventListener('abort', cancel);
      if (signal.aborted) cancel();
      try {
        const verdict = await answer.verdict;
        return verdict !== null && (await isStillSo(answer, verdict)) ? verdict : null;
      } finally {
        signal.removeEventListener('abort', cancel);
      }
    },

    async untilEnded(turnId, milliseconds, signal) {
      const ended = Promise.withResolvers<void>();
      const wakes = waiting.get(turnId) ?? new Set();
      waiting.set(turnId, wakes.add(ended.resolve));
      const late = new AbortController();
      try {
        const ends = AbortSignal.any([signal, late.signal]);
        const time = delay(Math.min(milliseconds, longestLookMs), undefined, { signal: ends }).catch(() => {});
        await Promise.race([ended.promise, time]);
        signal.throwIfAborted();
      } finally {
        late.abort();
        wakes.delete(ended.resolve);
        if (wakes.size === 0) waiting.delete(turnId);
      }
    },

    async close() {
      isClosed = true;
      const own = [...answers.values()].filter(({ adoption, hasEnded }) => adoption.by === null && !hasEnded);
      for (const { stop } of own) stop.abort(new Error('The worker is being shut down.'));
      await Promise.allSettled(own.map(({ verdict }) => verdict));
      // What is adopted has its activity, and needs no lease; what is remembered must not keep the process.
      if (renewal) clearInterval(renewal);
      await notes.flush();
    },
  };
}

/** How long whoever tries again is to wait. */
function delayOf(error: unknown): number {
  return error instanceof ApplicationFailure ? Number(error.nextRetryDelay ?? 0) : 0;
}

/** Runs `work` as a span of the request that has sent the message. */
function inTrace<T>(traceparent: string | undefined, work: () => Promise<T>): Promise<T> {
  if (traceparent === undefined) return work();
  const parent = propagation.extract(ROOT_CONTEXT, { traceparent });
  return trace.getTracer('perdure/turns').startActiveSpan('answer early', {}, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
