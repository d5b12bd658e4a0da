import type { ChatModel } from '../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { Database } from '../../platform/database.ts';
import type { TurnEventAppender } from './turn-event-appender.ts';

/** A row of `models` as the provider registry wants it; `apiKey` is still sealed. */
export type StoredModel = {
  provider: string;
  modelId: string;
  endpoint: string | null;
  apiKey: string | null;
  capabilities: Record<string, unknown>;
};

/** What the conversation's activities are made with. */
export type ConversationDeps = {
  database: Database;
  /** Opens the stored key and resolves the adapter. */
  chatModel(model: StoredModel): ChatModel;
  embeddingModel(model: StoredModel): EmbeddingModel;
  turnEvents: TurnEventAppender;
  /** Wakes the watchers of turns; called after a commit, never inside a transaction. */
  wakeTurns(turnIds: readonly string[]): void;
  metrics: { turnFinished(outcome: 'done' | 'error' | 'cancelled'): void; firstToken(seconds: number): void };
};
