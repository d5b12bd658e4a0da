import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EvaluateBlockInput } from '../../contracts/names/workflows.ts';
import { metricInput } from '../../domain/evaluations/metric-input.ts';
import { unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import {
  claimItems,
  closeLostCalls,
  readScoring,
  type ClaimedItem,
} from '../../entities/evaluations/evaluation-item-repository.ts';
import type { EvaluationKey } from '../../entities/evaluations/evaluation-repository.ts';
import { noteFaultyLine } from '../../entities/evaluations/run-pace-repository.ts';
import { CallFault } from './call-fault.ts';
import { itemFenced } from './change-writer.ts';
import { targetCallId } from './evaluation-call-id.ts';
import type { EvaluationDeps } from './evaluation-deps.ts';
import { ItemWork } from './item-work.ts';
import { openRun, type Run } from './open-run.ts';
import { runEvaluationStep } from './run-evaluation-step.ts';
import { runTarget } from './run-target.ts';
import { answerKey, scoreItem, type KeptScoring } from './score-item.ts';
import type { TargetAnswer } from './target-answer.ts';

/** How many of a block's items this attempt has ended. */
export type BlockVerdict = { ended: number };

// Innocent items are hit by kills too, but hardly ever so often.
const mostCrashes = 10;
// Of one line, without an answer in between: the others of the block would only meet the same.
const mostFaultsInARow = 3;
const leastPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * Does the open items of a block, some at once: the target's answer, then the metrics. What was committed is not
 * done again. A fault that may pass leaves its item open, and this step is then tried again; one that has lasted longer
 * than the run's patience leaves the item failed, or the metric unscored.
 */
export function createEvaluateItems(deps: EvaluationDeps): (input: EvaluateBlockInput) => Promise<BlockVerdict> {
  return async function evaluateItems(input) {
    return runEvaluationStep(async ({ signal }) => {
      const { workspaceId, evaluationId, from, to, atOnce = 1, scoringOnly } = input;
      const key = { workspaceId, evaluationId };
      const states = scoringOnly ? ['scoring'] : ['pending', 'running', 'scoring'];
      const { run, items, kept } = await deps.database.inWorkspace(workspaceId, async (em) => ({
        run: await openRun(em, deps, key, signal),
        ...(await claim(em, key, { from, to, states })),
      }));
      const block = new Block(run);
      const left = items.values();
      const lane = async (): Promise<void> => {
        for (const item of left) {
          signal.throwIfAborted();
          if (block.isStopped) return;
          await block.work(item, kept(item.ordinal));
        }
      };
      await allEnded(Array.from({ length: atOnce }, lane));
      await block.settle();
      return { ended: block.ended };
    });
  };
}

/** Waits until all have ended. @throws what the first that failed has thrown. */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

type Claim = { items: ClaimedItem[]; kept(ordinal: number): KeptScoring };

async function claim(
  em: EntityManager,
  key: EvaluationKey,
  range: { from: number; to: number; states: readonly string[] },
): Promise<Claim> {
  const items = await claimItems(em, { ...key, ...range });
  if (items === null) throw itemFenced();
  const again = items.filter(({ attempt, state }) => attempt > 1 || state === 'scoring');
  const done = new Map<number, Set<string>>();
  const answers = new Map<number, Map<string, { requestHash: string; answer: unknown }>>();
  if (again.length > 0) {
    const ordinals = again.map(({ ordinal }) => ordinal);
    await closeLostCalls(em, key, {
      ordinals,
      targetCallIds: again.flatMap(({ ordinal, attempt }) =>
        Array.from({ length: Math.min(attempt - 1, mostCrashes) }, (_, back) =>
          targetCallId(key.evaluationId, ordinal, attempt - 1 - back),
        ),
      ),
    });
    const scoring = await readScoring(em, key, ordinals);
    for (const { ordinal, metric } of scoring.results) add(done, ordinal, () => new Set<string>()).add(metric);
    for (const { ordinal, metric, position, request_hash: requestHash, answer } of scoring.calls)
      add(answers, ordinal, () => new Map()).set(answerKey(metric, position), { requestHash, answer });
  }
  return {
    items,
    kept: (ordinal) => ({ done: done.get(ordinal) ?? new Set(), answers: answers.get(ordinal) ?? new Map() }),
  };
}

function add<Value>(map: Map<number, Value>, ordinal: number, make: () => Value): Value {
  const value = map.get(ordinal) ?? make();
  map.set(ordinal, value);
  return value;
}

/** The items of one step, and what was learnt of them. */
class Block {
  readonly #run: Run;
  readonly #writes: Promise<void>[] = [];
  #again: { fault: CallFault; afterMs: number } | null = null;
  #inARow = 0;
  /** Whether items were left open. */
  #isOpen = false;
  ended = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** Whether what is called is away, so that the rest had better wait. */
  get isStopped(): boolean {
    return this.#inARow >= mostFaultsInARow;
  }

  async work(item: ClaimedItem, kept: KeptScoring): Promise<void> {
    const work = new ItemWork(this.#run, item);
    if (item.crashes > mostCrashes) {
      const detail = `The worker died ${item.crashes} times while it did this item; look at the worker's log.`;
      return this.#fail(work, { code: 'restarted_too_often', detail });
    }
    try {
      const given = work.isScoring ? storedAnswer(item) : await runTarget(work);
      if (!work.isScoring) {
        work.isScoring = true;
        const { cost: _cost, settle, ...output } = given;
        // Not awaited: it goes in one transaction with what comes next, and nothing is called before that is committed.
        this.#later(work.write({ output, state: 'scoring', error: null, ...(settle && { settle }) }));
      }
      await scoreItem(work, metricInput(item, given), kept, (fault) => this.#isOver(item, fault));
      this.#later(work.write({ state: 'done', ...(item.faulty_ms !== null && { isFaulty: false, error: null }) }));
      this.ended += 1;
      this.#inARow = 0;
    } catch (error) {
      if (!(error instanceof CallFault)) throw error;
      await this.#meet(work, error);
    }
  }

  /** Waits until everything is committed. @throws ApplicationFailure, to be tried again, if items were left open. */
  async settle(): Promise<void> {
    await allEnded(this.#writes);
    if (!this.#isOpen || this.#again === null) return;
    const { fault, afterMs } = this.#again;
    throw ApplicationFailure.create({
      type: fault.code,
      message: `${fault.detail} The items that wait for it are tried again.`,
      nextRetryDelay: afterMs,
    });
  }

  #later(write: Promise<void>): void {
    this.#writes.push(write);
    // Settled at the end; until then a refusal must not count as unhandled.
    write.catch(() => {});
  }

  /** Whether what a fault has hit is given up: the fault is for good, or has lasted longer than the run is patient. */
  async #isOver(item: ClaimedItem, fault: CallFault): Promise<boolean> {
    if (!fault.retryable) return true;
    const { deps, key, plan, faulty } = this.#run;
    faulty.add(fault.line);
    const lastedMs = await deps.database.inWorkspace(key.workspaceId, (em) => noteFaultyLine(em, key, fault.line));
    const patienceMs = plan.configuration.patience_seconds * 1000;
    // As long again as it has lasted, so that an outage of any length is asked about a few times.
    const afterMs = fault.retryAfterMs ?? Math.min(Math.max(lastedMs, leastPauseMs), longestPauseMs);
    this.#again = { fault, afterMs: Math.max(1, afterMs, this.#again?.afterMs ?? 0) };
    return Math.max(lastedMs, item.faulty_ms ?? 0) >= patienceMs;
  }

  async #meet(work: ItemWork, fault: CallFault): Promise<void> {
    const { code, detail } = fault;
    if (!work.isScoring && (await this.#isOver(work.item, fault))) return this.#fail(work, { code, detail });
    const { open } = work;
    work.open = null;
    this.#inARow += 1;
    this.#isOpen = true;
    this.#later(
      work.write({
        isFaulty: true,
        error: { code, detail },
        ...(!work.isScoring && { state: 'pending' }),
        ...(open && { settle: { callId: open.callId, usage: unknownUsage } }),
        ...(open?.ofMetric && { answer: { callId: open.callId, error: { code, detail } } }),
      }),
    );
  }

  /** Ends an item without an output: every metric is unscored, with the reason. */
  #fail(work: ItemWork, error: { code: string; detail: string }): void {
    const { open } = work;
    work.open = null;
    work.results.splice(0);
    for (const { label, hash } of this.#run.metrics)
      work.results.push({
        metric: label,
        metricHash: hash,
        state: 'unscored',
        score: null,
        reason: `The target gave no answer: ${error.code}: ${error.detail}`,
        details: null,
      });
    this.ended += 1;
    this.#later(
      work.write({ state: 'failed', error, ...(open && { settle: { callId: open.callId, usage: unknownUsage } }) }),
    );
  }
}

function storedAnswer(item: ClaimedItem): TargetAnswer {
  return {
    output: item.output,
    prompt: item.prompt,
    contexts: item.contexts,
    toolCalls: item.tool_calls,
    latencyMs: item.latency_ms,
    cost: item.cost === null ? null : Number(item.cost),
  };
}
