import { Workspace } from './tenancy/workspace.ts';
import { User } from './tenancy/user.ts';
import { ApiKey } from './tenancy/api-key.ts';
import { IdempotencyKey } from './tenancy/idempotency-key.ts';
import { AuditEntry } from './tenancy/audit-entry.ts';
import { Model } from './agents/model.ts';
import { PromptTemplate } from './agents/prompt-template.ts';
import { Agent } from './agents/agent.ts';
import { AgentPromptTemplate } from './agents/agent-prompt-template.ts';
import { AgentTool } from './agents/agent-tool.ts';
import { AgentVersion } from './agents/agent-version.ts';
import { PromptTemplateVersion } from './agents/prompt-template-version.ts';
import { KnowledgeSource } from './documents/knowledge-source.ts';
import { SourceSync } from './sources/source-sync.ts';
import { SourceCursor } from './sources/source-cursor.ts';
import { SourceItem } from './sources/source-item.ts';
import { RagTool } from './agents/rag-tool.ts';
import { EmbeddingMove } from './agents/embedding-move.ts';
import { RetrievalTool } from './agents/retrieval-tool.ts';
import { Tool } from './agents/tool.ts';
import { ToolVersion } from './agents/tool-version.ts';
import { IngestionJob } from './documents/ingestion-job.ts';
import { Document } from './documents/document.ts';
import { DocumentGeneration } from './documents/document-generation.ts';
import { BlobPart } from './documents/blob-part.ts';
import { DocumentChunk } from './documents/document-chunk.ts';
import { EmbeddingCacheEntry } from './documents/embedding-cache-entry.ts';
import { EmbeddingClaim } from './documents/embedding-claim.ts';
import { ModelCircuit } from './usage/model-circuit.ts';
import { RateLimit } from './usage/rate-limit.ts';
import { ChunkTerms } from './search/chunk-terms.ts';
import { QuerySample } from './search/query-sample.ts';
import { TermStatistic } from './search/term-statistic.ts';
import { TermStatisticsDelta } from './search/term-statistics-delta.ts';
import { LexicalCollection } from './search/lexical-collection.ts';
import { Conversation } from './conversations/conversation.ts';
import { Message } from './conversations/message.ts';
import { Turn } from './conversations/turn.ts';
import { TurnStep } from './conversations/turn-step.ts';
import { ToolCall } from './conversations/tool-call.ts';
import { Approval } from './conversations/approval.ts';
import { ConversationSummary } from './conversations/conversation-summary.ts';
import { TurnEvent } from './conversations/turn-event.ts';
import { Citation } from './conversations/citation.ts';
import { UsageMetric } from './usage/usage-metric.ts';
import { UsageProgress } from './usage/usage-progress.ts';
import { UsageTotal } from './usage/usage-total.ts';
import { MaintenanceReport } from './maintenance/maintenance-report.ts';
import { Feedback } from './conversations/feedback.ts';
import { CaseProposal } from './evaluations/case-proposal.ts';
import { CaseProposalPassage } from './evaluations/case-proposal-passage.ts';
import { Evaluation } from './evaluations/evaluation.ts';
import { EvaluationCall } from './evaluations/evaluation-call.ts';
import { EvaluationCase } from './evaluations/evaluation-case.ts';
import { EvaluationDataset } from './evaluations/evaluation-dataset.ts';
import { EvaluationDatasetVersion } from './evaluations/evaluation-dataset-version.ts';
import { EvaluationHistory } from './evaluations/evaluation-history.ts';
import { EvaluationItem } from './evaluations/evaluation-item.ts';
import { EvaluationPace } from './evaluations/evaluation-pace.ts';
import { EvaluationResult } from './evaluations/evaluation-result.ts';
import { UserMemory } from './memory/user-memory.ts';
import { MemoryVersion } from './memory/memory-version.ts';
import { MemoryLesson } from './memory/memory-lesson.ts';
import { Webhook } from './webhooks/webhook.ts';
import { WebhookDelivery } from './webhooks/webhook-delivery.ts';
import { Budget } from './usage/budget.ts';
import { BudgetHold } from './usage/budget-hold.ts';

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
  AgentVersion,
  PromptTemplateVersion,
  KnowledgeSource,
  RagTool,
  EmbeddingMove,
  RetrievalTool,
  Tool,
  ToolVersion,
  AgentTool,
  IngestionJob,
  SourceSync,
  SourceCursor,
  Document,
  SourceItem,
  DocumentGeneration,
  BlobPart,
  DocumentChunk,
  ChunkTerms,
  QuerySample,
  TermStatistic,
  TermStatisticsDelta,
  LexicalCollection,
  EmbeddingCacheEntry,
  EmbeddingClaim,
  ModelCircuit,
  RateLimit,
  Conversation,
  Message,
  Turn,
  TurnStep,
  TurnEvent,
  ToolCall,
  Approval,
  ConversationSummary,
  Citation,
  Feedback,
  UsageMetric,
  UsageProgress,
  UsageTotal,
  MaintenanceReport,
  EvaluationDataset,
  EvaluationDatasetVersion,
  EvaluationCase,
  Evaluation,
  EvaluationItem,
  EvaluationResult,
  EvaluationCall,
  EvaluationPace,
  EvaluationHistory,
  CaseProposal,
  CaseProposalPassage,
  UserMemory,
  MemoryVersion,
  MemoryLesson,
  Webhook,
  WebhookDelivery,
  Budget,
  BudgetHold,
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
  AgentVersion,
  PromptTemplateVersion,
  KnowledgeSource,
  RagTool,
  EmbeddingMove,
  RetrievalTool,
  Tool,
  ToolVersion,
  AgentTool,
  IngestionJob,
  SourceSync,
  SourceCursor,
  Document,
  SourceItem,
  DocumentGeneration,
  BlobPart,
  DocumentChunk,
  ChunkTerms,
  QuerySample,
  TermStatistic,
  TermStatisticsDelta,
  LexicalCollection,
  EmbeddingCacheEntry,
  EmbeddingClaim,
  ModelCircuit,
  RateLimit,
  Conversation,
  Message,
  Turn,
  TurnStep,
  TurnEvent,
  ToolCall,
  Approval,
  ConversationSummary,
  Citation,
  Feedback,
  UsageMetric,
  UsageProgress,
  UsageTotal,
  MaintenanceReport,
  EvaluationDataset,
  EvaluationDatasetVersion,
  EvaluationCase,
  Evaluation,
  EvaluationItem,
  EvaluationResult,
  EvaluationCall,
  EvaluationPace,
  EvaluationHistory,
  CaseProposal,
  CaseProposalPassage,
  UserMemory,
  MemoryVersion,
  MemoryLesson,
  Webhook,
  WebhookDelivery,
  Budget,
  BudgetHold,
] as const;
