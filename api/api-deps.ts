import type { EntityManager } from '@mikro-orm/postgresql';
import type { Client } from '@temporalio/client';
import type { Middleware } from 'koa';
import type { Database } from '../platform/database.ts';
import type { NotificationListener } from '../platform/notification-listener.ts';
import type { Notifier } from '../platform/notifier.ts';
import type { ScheduleDesk } from '../platform/schedule-desk.ts';
import type { SourceSchedules } from '../platform/source-schedules.ts';
import type { TurnSubmitter } from '../platform/turn-submitter.ts';
import type { WorkStarter } from '../platform/work-starter.ts';
import type { PromptReferences } from '../entities/conversations/prompt-reference-repository.ts';
import type { ToolCallView } from '../entities/conversations/tool-call-view-repository.ts';
import type { DocumentType } from '../contracts/names/document-types.ts';
import type { EmbeddingModel } from '../providers/embedding-model.ts';
import type { PaidCall } from '../providers/paid-call.ts';
import type { QueryRewriter } from '../providers/query-rewriter.ts';
import type { Reranker } from '../providers/reranker.ts';
import type { TextAnalyzer } from '../providers/text-analyzer.ts';
import type { ToolWorkshop } from '../providers/tool-workshop.ts';

import type { EvaluationDesk } from './evaluations/evaluation-desk.ts';
import type { MemoryDesk } from './users/memory-desk.ts';

/** A row of `models` as far as it is needed to call a model; the key is still sealed. */
export type ModelSettings = {
  id: string;
  provider: string;
  model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  dimensions: number | null;
};

/** A prompt as the model was sent it. */
export type SeenPrompt = ReadonlyArray<
  | { readonly role: 'system' | 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls?: ReadonlyArray<{ readonly id: string; readonly name: string; readonly arguments: string }>;
    }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string }
>;

/** One line of the log; fields never hold content of documents or messages. */
export interface ApiLogger {
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
}

/** How much one process takes on before it answers 503 with Retry-After. */
export interface ApiCapacity {
  /** Transactions at once; below the size of the pool, so that its queue stays short. */
  transactions: number;
  /** Requests that may wait for a transaction. */
  waiting: number;
  /** Open event streams. */
  streams: number;
  /** Bytes of request bodies held in memory at once. */
  bodyBytes: number;
}

/** Everything the API needs from outside of its own folder; platform/wiring-api.ts makes it. */
export interface ApiDeps {
  database: Database;
  temporal: Client;
  notifications: NotificationListener;
  notifier: Pick<Notifier, 'notify'>;
  /** Brings committed rows to their workflows; gives up after a few seconds, for a sweep comes after it. */
  starter: WorkStarter & Pick<TurnSubmitter, 'announceTurn'>;
  capacity: ApiCapacity;
  /** Origins whose pages may call the API from a browser; `*` stands for all. */
  corsOrigins: readonly string[];
  memory: MemoryDesk;
  /** After so many milliseconds a comment follows the last one in an event stream. */
  keepAliveMs: number;
  log: ApiLogger;
  /** Server span and duration of each request. */
  httpTelemetry: Middleware;
  renderMetrics(): Promise<string>;
  embeddingModel(settings: ModelSettings): EmbeddingModel;
  /** Turns texts and queries into the words of full text search. */
  textAnalyzer: TextAnalyzer;
  /** Orders hits anew by a chat model. */
  reranker(settings: ModelSettings, paid: PaidCall): Reranker;
  /** Phrases queries anew by a chat model. */
  queryRewriter(settings: ModelSettings, paid: PaidCall): QueryRewriter;
  /** Finds what a document is. Throws PerdureError if it cannot be read for sure. */
  inspectDocument(
    bytes: Uint8Array,
    claim: { documentType?: DocumentType | undefined; name?: string | undefined; mediaType?: string | null },
  ): Promise<{ mimeType: string; documentType: DocumentType; declaredType: string | null }>;
  /** Brings the schedule of a source to Temporal; null deletes it. */
  applySchedule: SourceSchedules['apply'];
  evaluations: EvaluationDesk;
  /** The schedules of maintenance. */
  schedules: ScheduleDesk;
  /** Checks declarations of tools, and makes tools of them. */
  tools: ToolWorkshop;
  /** Why a call of a tool cannot be run with these arguments, in words; null if it can. */
  checkArguments(
    em: EntityManager,
    call: { workspaceId: string; turn_id: string } & Pick<
      ToolCallView,
      'tool_type' | 'tool_id' | 'tool_name' | 'tool_version'
    >,
    given: Record<string, unknown>,
  ): Promise<string | null>;
  /** The prompts of a turn by step, as they were sent. */
  seePrompts(references: PromptReferences): ReadonlyMap<number, SeenPrompt>;
  /** The address of a run's history in Temporal's web UI; null where that has none, or the run is not known. */
  historyUrl(workflowId: string, runId: string | null): string | null;
  /** Seals a credential for the database. */
  seal(secret: string): string;
}
