import { setTimeout } from 'node:timers/promises';
import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../contracts/errors.ts';
import type { ModelRow } from '../entities/search/search-setup-repository.ts';
import { settleUsage, unknownUsage } from '../entities/conversations/turn-usage-repository.ts';
import { settleEmbeddingUsage } from '../entities/usage/embedding-usage-repository.ts';
import { startQueryUsage } from '../entities/usage/query-usage-repository.ts';
import { blockModelCalls, bookModelCall, type BookedCall } from '../entities/usage/rate-limit-repository.ts';
import { uuidV7 } from '../entities/uuid-v7.ts';
import type { TokenUsage } from '../providers/chat-model.ts';
import type { PaidCall } from '../providers/paid-call.ts';

/** Transactions and single statements, as the platform makes them. */
export interface PayingDatabase {
  autocommit<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  inWorkspace<T>(workspaceId: string, work: (em: EntityManager) => Promise<T>): Promise<T>;
}

// Whoever asks a question waits for the answer.
const longestPauseMs = 5_000;
// Where a provider refuses and does not say for how long.
const usualPauseMs = 1_000;

/**
 * Books the calls of a model that a search by a RAG tool makes: keeps the pace that all processes share, writes a usage row
 * before each call and settles it after, as unknown where the call fails. `tokens` is an estimate. Models on this machine
 * cost nothing, and are called as they are.
 * @throws PerdureError `provider_rate_limited` while the provider refuses calls for longer than 5 s.
 */
export function payForCalls(
  database: PayingDatabase,
  { workspaceId, ragToolId, model }: { workspaceId: string; ragToolId: string; model: ModelRow },
  { tokens, signal }: { tokens: number; signal: AbortSignal | undefined },
): PaidCall {
  if (model.provider === 'local' || model.provider === 'extractive')
    return async (call) => (await call(undefined)).value;
  return async (call) => {
    const paced = { workspaceId, modelId: model.id };
    for (let booked: string | null = null; ;) {
      const turn: BookedCall = await database.autocommit((em) =>
        bookModelCall(em, paced, { tokens, priority: 'question', booked, longestPauseMs }),
      );
      const { waitMs, moment, isCounted } = turn;
      if (moment === null) {
        throw new PerdureError(
          'provider_rate_limited',
          `The provider of the model "${model.name}" refuses calls for another ${Math.ceil(waitMs / 1000)} s: try again then.`,
          { retryAfterMs: waitMs },
        );
      }
      if (waitMs > 0) await setTimeout(waitMs, undefined, signal === undefined ? {} : { signal });
      if (isCounted) break;
      booked = moment;
    }
    const callId = uuidV7();
    const { pricing } = model;
    await database.inWorkspace(workspaceId, (em) =>
      startQueryUsage(em, { callId, workspaceId, ragToolId, modelId: model.id, pricing }),
    );
    const settle = (usage: TokenUsage) =>
      database.inWorkspace(workspaceId, (em) =>
        model.kind === 'embedding'
          ? settleEmbeddingUsage(em, callId, usage.promptTokens)
          : settleUsage(em, callId, usage),
      );
    try {
      const { value, usage } = await call(callId);
      await settle(usage);
      return value;
    } catch (error) {
      await settle(unknownUsage);
      if (isRefusal(error))
        await database.autocommit((em) => blockModelCalls(em, paced, error.retryAfterMs ?? usualPauseMs));
      throw error;
    }
  };
}

/** Adapters come by type alone here, so a ProviderError is known by its name. */
function isRefusal(error: unknown): error is { retryAfterMs: number | null } {
  return (
    error instanceof Error && error.name === 'ProviderError' && (error as { code?: unknown }).code === 'rate_limited'
  );
}
