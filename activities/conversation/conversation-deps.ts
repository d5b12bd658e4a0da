import type { EntityManager } from '@mikro-orm/postgresql';
import type { StoredModel } from '../../entities/agents/stored-model.ts';
import type { ChatModel } from '../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { Tool, ToolType } from '../../providers/tool.ts';
import type { Database } from '../../platform/database.ts';
import type { TurnEventAppender } from './turn-event-appender.ts';

/** A tool of an agent, by reference. */
export type ToolReference = {
  type: 'rag_tool' | 'retrieval_tool' | 'tool';
  id: string;
  /** Of a RAG tool: searched before the first call of the model, or offered to it. */
  use?: 'before' | 'on_demand' | undefined;
  needs_approval?: 'never' | 'always' | null | undefined;
};

/** The tools of an agent as a turn uses them. */
export type ResolvedTools = {
  /** Offered to the model, with unique names. */
  tools: readonly Tool[];
  /** RAG tools with which is searched before the first call of the model. */
  before: readonly string[];
  leftOut: ReadonlyArray<{ type: string; id: string; name: string | null; reason: string }>;
};

/** Makes tools of an agent's references. Reads rows, and runs nothing. */
export interface ToolResolver {
  resolve(
    em: EntityManager,
    agent: { workspaceId: string; references: readonly ToolReference[] },
  ): Promise<ResolvedTools>;
  /** The tool of a call in the version in which it was proposed; null once it was deleted or switched off. */
  open(
    em: EntityManager,
    agent: {
      workspaceId: string;
      references: readonly ToolReference[];
      call: { type: ToolType; id: string; version: number | null; name: string };
    },
  ): Promise<Tool | null>;
}

/** What the conversation's activities are made with. */
export type ConversationDeps = {
  database: Database;
  /** Opens the stored key and resolves the adapter. */
  chatModel(model: StoredModel): ChatModel;
  embeddingModel(model: StoredModel): EmbeddingModel;
  tools: ToolResolver;
  /** For how long a call waits for its approval. */
  approvalMs: number;
  turnEvents: TurnEventAppender;
  /** Wakes the watchers of turns; called after a commit, never inside a transaction. */
  wakeTurns(turnIds: readonly string[]): void;
  metrics: {
    turnFinished(outcome: 'done' | 'error' | 'cancelled'): void;
    firstToken(seconds: number): void;
    modelFailed(fault: { model: string; code: string; outcome: 'retried' | 'fell_back' | 'gave_up' }): void;
  };
};
