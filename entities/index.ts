import { Workspace } from './workspace.ts';
import { User } from './user.ts';
import { ApiKey } from './api-key.ts';
import { IdempotencyKey } from './idempotency-key.ts';
import { AuditEntry } from './audit-entry.ts';
import { Model } from './model.ts';
import { PromptTemplate } from './prompt-template.ts';
import { Agent } from './agent.ts';
import { AgentPromptTemplate } from './agent-prompt-template.ts';
import { KnowledgeSource } from './knowledge-source.ts';
import { RagTool } from './rag-tool.ts';
import { RetrievalTool } from './retrieval-tool.ts';
import { IngestionJob } from './ingestion-job.ts';
import { Document } from './document.ts';
import { DocumentGeneration } from './document-generation.ts';
import { BlobPart } from './blob-part.ts';
import { DocumentChunk } from './document-chunk.ts';
import { Conversation } from './conversation.ts';
import { Message } from './message.ts';
import { Turn } from './turn.ts';
import { TurnStep } from './turn-step.ts';
import { TurnEvent } from './turn-event.ts';
import { Citation } from './citation.ts';
import { UsageMetric } from './usage-metric.ts';
import { Evaluation } from './evaluation.ts';
import { UserMemory } from './user-memory.ts';

export {
  Workspace,
  User,
  ApiKey,
  IdempotencyKey,
  AuditEntry,
  Model,
  PromptTemplate,
  Agent,
  AgentPromptTemplate,
  KnowledgeSource,
  RagTool,
  RetrievalTool,
  IngestionJob,
  Document,
  DocumentGeneration,
  BlobPart,
  DocumentChunk,
  Conversation,
  Message,
  Turn,
  TurnStep,
  TurnEvent,
  Citation,
  UsageMetric,
  Evaluation,
  UserMemory,
};

/** Every entity, parents before their children. `chunk_embeddings` and its partitions are reached by SQL alone. */
export const entities = [
  Workspace,
  User,
  ApiKey,
  IdempotencyKey,
  AuditEntry,
  Model,
  PromptTemplate,
  Agent,
  AgentPromptTemplate,
  KnowledgeSource,
  RagTool,
  RetrievalTool,
  IngestionJob,
  Document,
  DocumentGeneration,
  BlobPart,
  DocumentChunk,
  Conversation,
  Message,
  Turn,
  TurnStep,
  TurnEvent,
  Citation,
  UsageMetric,
  Evaluation,
  UserMemory,
] as const;
