import { setTimeout } from 'node:timers/promises';
import { PerdureError } from '../contracts/errors.ts';
import {
  hasRefusingBudgets,
  holdBudget,
  type BudgetRefusal,
  type MostTokens,
} from '../entities/usage/budget-hold-repository.ts';
import type { ChatModel, ChatRequest } from '../providers/chat-model.ts';
import type { EmbeddingModel } from '../providers/embedding-model.ts';
import type { Database } from './database.ts';
import { withEmbed, withStream, wrapProviders, type ModelSource } from './wrap-providers.ts';

// A budget that refuses holds from then on: without one no call pays for looking.
const lookEveryMs = 2000;
// Until calls under way have made room, or have not.
const longestWaitMs = 30_000;
const firstWaitMs = 50;
const mostWaitMs = 1000;
// For an answer without a limit of its own, which could cost anything.
const mostAnswerTokens = 4096;
// The marks that a model puts around a text.
const marks = 2;

/**
 * The same registry, none of whose calls is made unless every budget that refuses has room for the most that it may cost.
 * An answer without a limit then gets one of 4,096 tokens. Calls without an id, and models on this machine, cost nothing.
 * A refused call throws PerdureError `budget_exhausted`.
 */
export function guardBudgets<Settings>(
  source: ModelSource<Settings>,
  database: Pick<Database, 'autocommit' | 'readAsOperator'>,
): ModelSource<Settings> {
  const refusing = new RefusingBudgets(database);
  return wrapProviders(source, {
    chat: (model) => (model.provider === 'extractive' ? model : guardChat(model, refusing)),
    embedding: (model) => (model.provider === 'local' ? model : guardEmbedding(model, refusing)),
  });
}

/** The budgets that refuse, as one process knows them. */
class RefusingBudgets {
  readonly #database: Pick<Database, 'autocommit' | 'readAsOperator'>;
  #look: { isNeeded: boolean; until: number } = { isNeeded: false, until: 0 };
  #looking: Promise<boolean> | null = null;

  constructor(database: Pick<Database, 'autocommit' | 'readAsOperator'>) {
    this.#database = database;
  }

  /** Whether it was seen a moment ago that there are none. */
  get areNone(): boolean {
    return !this.#look.isNeeded && performance.now() < this.#look.until;
  }

  /** Whether there are any. */
  async areThere(): Promise<boolean> {
    if (performance.now() < this.#look.until) return this.#look.isNeeded;
    this.#looking ??= this.#lookAgain().finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookAgain(): Promise<boolean> {
    const isNeeded = await this.#database.readAsOperator(hasRefusingBudgets);
    this.#look = { isNeeded, until: performance.now() + lookEveryMs };
    return isNeeded;
  }

  /**
   * Waits while calls under way hold the room back that this one needs.
   * @throws PerdureError `budget_exhausted` where a budget has no room for the call, the reason of `signal`.
   */
  async hold(callId: string, most: MostTokens, signal: AbortSignal | undefined): Promise<void> {
    const until = performance.now() + longestWaitMs;
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, mostWaitMs)) {
      const answer = await this.#database.autocommit((em) => holdBudget(em, callId, most));
      if (answer === null) return;
      if (!('waits' in answer)) throw exhausted(answer);
      if (performance.now() > until)
        throw new PerdureError(
          'budget_exhausted',
          'Calls of models that are under way hold back all that is left of a budget. Try again later, or raise the budget.',
        );
      await setTimeout(waitMs * (0.5 + Math.random()), undefined, signal && { signal });
    }
  }
}

function exhausted({ budget, currency, left, most }: BudgetRefusal): PerdureError {
  return new PerdureError(
    'budget_exhausted',
    `The budget "${budget}" has ${left} ${currency} left, and this call of a model may cost up to ${most} ${currency}. ` +
      `Raise the budget (PUT /budgets/${encodeURIComponent(budget)}), or wait for the next month; then try again.`,
  );
}

function guardChat(model: ChatModel, refusing: RefusingBudgets): ChatModel {
  // Handed through as it is where there is nothing to guard: each piece of a text would pay for a wrapper.
  return withStream(model, (request, options) =>
    request.callId === undefined || refusing.areNone
      ? model.stream(request, options)
      : guardedStream(model, refusing, { ...request, callId: request.callId }, options),
  );
}

async function* guardedStream(
  model: ChatModel,
  refusing: RefusingBudgets,
  request: ChatRequest & { callId: string },
  options: Parameters<ChatModel['stream']>[1],
): ReturnType<ChatModel['stream']> {
  options?.signal?.throwIfAborted();
  let { maxTokens } = request;
  if (await refusing.areThere()) {
    maxTokens ??= Math.min(mostAnswerTokens, model.contextWindow);
    // No tokenizer makes more tokens than there are bytes, and JSON has more of them than the marks between messages.
    const input = Buffer.byteLength(JSON.stringify([request.messages, request.tools ?? []]));
    await refusing.hold(request.callId, { input, output: maxTokens }, options?.signal);
  }
  yield* model.stream({ ...request, ...(maxTokens !== undefined && { maxTokens }) }, options);
}

function guardEmbedding(model: EmbeddingModel, refusing: RefusingBudgets): EmbeddingModel {
  return withEmbed(model, async (texts, options) => {
    if (options?.callId !== undefined && !refusing.areNone && (await refusing.areThere())) {
      const input = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + marks, 0);
      await refusing.hold(options.callId, { input, output: 0 }, options.signal);
    }
    return model.embed(texts, options);
  });
}
