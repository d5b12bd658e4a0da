import { setTimeout } from 'node:timers/promises';
import type { PlannedModel, PlannedVariant } from '../../contracts/names/evaluation-plan.ts';
import { storedModel } from '../../entities/agents/stored-model.ts';
import type { ClaimedItem } from '../../entities/evaluations/evaluation-item-repository.ts';
import type { ItemChange, ResultToWrite } from '../../entities/evaluations/item-change-repository.ts';
import { clearFaultyLine, reserveRunCall, type CalledModel } from '../../entities/evaluations/run-pace-repository.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { CallFault, faultOf } from './call-fault.ts';
import type { Run } from './open-run.ts';

type Said = Omit<ItemChange, 'ordinal' | 'attempt'>;

/** One attempt at one item. */
export class ItemWork {
  readonly run: Run;
  readonly item: ClaimedItem;
  readonly variant: PlannedVariant;
  /** The paid call that is open, and whether it is one of a metric. */
  open: { callId: string; ofMetric: boolean } | null = null;
  /** Whether the output is there, and metrics are at work. */
  isScoring: boolean;
  /** Results that go with the next write. */
  readonly results: ResultToWrite[] = [];

  constructor(run: Run, item: ClaimedItem) {
    this.run = run;
    this.item = item;
    this.variant = run.plan.target.variants[item.variant]!;
    this.isScoring = item.state === 'scoring';
  }

  /** Writes what this attempt has to say, with the results that wait; resolves once it is committed. */
  write(said: Said): Promise<void> {
    const { ordinal, attempt } = this.item;
    const results = this.results.splice(0);
    const { deps, key, plan } = this.run;
    const change = { ordinal, attempt, ...said, ...(results.length > 0 && { results }) };
    return deps.changes.write(key, change, plan.configuration.lanes);
  }

  /** A model of the plan as its row is now. @throws CallFault where it is gone or switched off. */
  model(planned: PlannedModel | null, what: string): CalledModel {
    const model = planned === null ? undefined : this.run.models.get(planned.id);
    if (model) return model;
    throw new CallFault(planned?.id ?? what, {
      code: 'unknown_model',
      detail: `The ${what} "${planned?.name ?? ''}" was deleted or switched off.`,
      retryable: false,
    });
  }

  /**
   * Makes one call of a model within the run's own rate and the limits of the model.
   * @throws CallFault when the model fails, what `signal` says when the step is to end.
   */
  async call<T>(
    model: CalledModel,
    tokens: number,
    work: { call: () => Promise<T>; tokensOf: (given: T) => number | null },
  ): Promise<T> {
    const { deps, key, signal } = this.run;
    const { provider, capabilities } = model;
    const row = { workspaceId: key.workspaceId, modelId: model.id, provider, capabilities };
    const isUnlimited =
      capabilities['requestsPerMinute'] === undefined && capabilities['tokensPerMinute'] === undefined;
    await this.waitForRate();
    try {
      const given = await paceCall(
        deps.database,
        row,
        { tokens, signal, isDue: isUnlimited && model.pause_ms === 0 },
        work,
      );
      await this.noteAnswer(model.id);
      return given;
    } catch (error) {
      signal.throwIfAborted();
      const fault = faultOf(model.id, error);
      if (fault.code === 'provider_rate_limited') model.pause_ms = fault.retryAfterMs ?? 1;
      throw fault;
    }
  }

  /** The adapter of a model, opened once for all items of a step. */
  chatModel(model: CalledModel): ChatModel {
    const { deps, chatModels } = this.run;
    const opened = chatModels.get(model.id) ?? deps.chatModel(storedModel(model));
    chatModels.set(model.id, opened);
    return opened;
  }

  /** Waits for the next call that the run's own rate allows. */
  async waitForRate(): Promise<void> {
    const { deps, key, plan, signal } = this.run;
    const { rate } = plan.configuration;
    if (rate === null) return;
    const waitMs = await deps.database.inWorkspace(key.workspaceId, (em) => reserveRunCall(em, key, rate));
    if (waitMs > 0) await setTimeout(waitMs, undefined, { signal });
  }

  /** Forgets that a line has failed, now that it has answered. */
  async noteAnswer(line: string): Promise<void> {
    const { deps, key, faulty } = this.run;
    if (!faulty.delete(line)) return;
    await deps.database.inWorkspace(key.workspaceId, (em) => clearFaultyLine(em, key, line));
  }
}
