import type { z } from 'zod';
import * as budget from '../../contracts/budget.ts';
import * as agent from '../../contracts/agent.ts';
import * as apiKey from '../../contracts/api-key.ts';
import { approvalSchema } from '../../contracts/approval.ts';
import * as conversation from '../../contracts/conversation.ts';
import { conversationEventSchema } from '../../contracts/conversation-event.ts';
import { conversationExportSchema } from '../../contracts/conversation-export.ts';
import * as document from '../../contracts/document.ts';
import * as evaluation from '../../contracts/evaluation.ts';
import { evaluationCaseSchema } from '../../contracts/evaluation-case.ts';
import { evaluationDatasetSchema } from '../../contracts/evaluation-dataset.ts';
import { feedbackSchema, putFeedbackSchema } from '../../contracts/feedback.ts';
import * as health from '../../contracts/health.ts';
import * as ingestionJob from '../../contracts/ingestion-job.ts';
import * as knowledgeSource from '../../contracts/knowledge-source.ts';
import * as message from '../../contracts/message.ts';
import * as model from '../../contracts/model.ts';
import { problemSchema } from '../../contracts/problem.ts';
import * as promptTemplate from '../../contracts/prompt-template.ts';
import * as ragTool from '../../contracts/rag-tool.ts';
import * as retrievalTool from '../../contracts/retrieval-tool.ts';
import * as search from '../../contracts/search.ts';
import { statusSchema } from '../../contracts/status.ts';
import * as tool from '../../contracts/tool.ts';
import { toolCallSchema } from '../../contracts/tool-call.ts';
import { turnAuditSchema } from '../../contracts/turn-audit.ts';
import { turnEventSchema } from '../../contracts/turn-event.ts';
import * as turn from '../../contracts/turn.ts';
import * as usage from '../../contracts/usage.ts';
import * as userMemory from '../../contracts/user-memory.ts';
import * as webhook from '../../contracts/webhook.ts';

/** Schemas of answers that have a name in the documentation; all others are shown in place. */
export const namedAnswers: Readonly<Record<string, z.ZodType>> = {
  Agent: agent.agentSchema,
  AgentVersion: agent.agentVersionSchema,
  ApiKey: apiKey.apiKeySchema,
  ApiKeyCreated: apiKey.apiKeyCreatedSchema,
  Approval: approvalSchema,
  Budget: budget.budgetSchema,
  Citation: message.citationSchema,
  Conversation: conversation.conversationSchema,
  ConversationEvent: conversationEventSchema,
  ConversationExport: conversationExportSchema,
  Document: document.documentSchema,
  DocumentAccepted: document.documentAcceptedSchema,
  DocumentGeneration: document.documentGenerationSchema,
  DocumentsAccepted: document.documentsAcceptedSchema,
  Evaluation: evaluation.evaluationSchema,
  EvaluationCase: evaluationCaseSchema,
  EvaluationDataset: evaluationDatasetSchema,
  EvaluationItem: evaluation.evaluationItemSchema,
  Feedback: feedbackSchema,
  IngestionJob: ingestionJob.ingestionJobSchema,
  KnowledgeSource: knowledgeSource.knowledgeSourceSchema,
  Liveness: health.livenessSchema,
  Message: message.messageSchema,
  MessageAccepted: turn.messageAcceptedSchema,
  Model: model.modelSchema,
  Problem: problemSchema,
  PromptTemplate: promptTemplate.promptTemplateSchema,
  PromptTemplateVersion: promptTemplate.promptTemplateVersionSchema,
  RagTool: ragTool.ragToolSchema,
  Readiness: health.readinessSchema,
  RetrievalTool: retrievalTool.retrievalToolSchema,
  SearchHit: search.searchHitSchema,
  SearchResult: search.searchResultSchema,
  SourceSync: knowledgeSource.sourceSyncSchema,
  Status: statusSchema,
  Tool: tool.toolSchema,
  ToolVersion: tool.toolVersionSchema,
  ToolCall: toolCallSchema,
  Turn: turn.turnSchema,
  TurnAudit: turnAuditSchema,
  TurnEvent: turnEventSchema,
  TurnWithAnswer: turn.turnWithAnswerSchema,
  Usage: usage.usageSchema,
  UserMemory: userMemory.userMemorySchema,
  UserMemoryVersion: userMemory.memoryVersionSchema,
  Webhook: webhook.webhookSchema,
  WebhookDelivery: webhook.webhookDeliverySchema,
  WebhookWithSecret: webhook.webhookWithSecretSchema,
};

/** Schemas of request bodies, which differ from answers in that what has a default may be left out. */
export const namedBodies: Readonly<Record<string, z.ZodType>> = {
  CreateAgent: agent.createAgentSchema,
  CreateApiKey: apiKey.createApiKeySchema,
  CreateConversation: conversation.createConversationSchema,
  CreateDocument: document.createDocumentSchema,
  CreateDocuments: document.createDocumentsSchema,
  CreateKnowledgeSource: knowledgeSource.createKnowledgeSourceSchema,
  CreateMessage: message.createMessageSchema,
  CreateModel: model.createModelSchema,
  CreatePromptTemplate: promptTemplate.createPromptTemplateSchema,
  CreateRagTool: ragTool.createRagToolSchema,
  CreateRetrievalTool: retrievalTool.createRetrievalToolSchema,
  CreateTool: tool.createToolSchema,
  ImportTools: tool.importToolsSchema,
  PutFeedback: putFeedbackSchema,
  PutUserMemory: userMemory.putUserMemorySchema,
  SearchRequest: search.searchRequestSchema,
  UpdateAgent: agent.updateAgentSchema,
  UpdateConversation: conversation.updateConversationSchema,
  UpdateKnowledgeSource: knowledgeSource.updateKnowledgeSourceSchema,
  UpdateModel: model.updateModelSchema,
  UpdatePromptTemplate: promptTemplate.updatePromptTemplateSchema,
  UpdateRagTool: ragTool.updateRagToolSchema,
  UpdateRetrievalTool: retrievalTool.updateRetrievalToolSchema,
  UpdateTool: tool.updateToolSchema,
};
