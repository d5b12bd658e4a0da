import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
  type Workflow,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes, type SearchAttributePair } from '@temporalio/common';
import type { SearchAttributeName } from '../contracts/names/search-attributes.ts';
import { taskQueues } from '../contracts/names/task-queues.ts';
import {
  conversationMessages,
  workflowIds,
  workflowTypes,
  type ConversationInput,
  type DeliverWebhookInput,
  type EndRest,
  type IndexModelInput,
  type IngestBatchInput,
  type IngestDocumentInput,
  type MoveEmbeddingsInput,
  type SyncSourceInput,
} from '../contracts/names/workflows.ts';

/** A turn whose row is committed. */
export type CommittedTurn = {
  workspaceId: string;
  conversationId: string;
  agentId: string;
  turnId: string;
  /** Whether an evaluation holds the conversation, which then runs on the queue of evaluations. */
  isHeld?: boolean;
};

/** Brings committed rows to their workflows. Every call may be repeated: the workflow knows what it has. */
export interface WorkStarter {
  /** Starts the conversation's entity if it does not run, and queues the turn. */
  submitTurn(turn: CommittedTurn): Promise<void>;
  /** Ends a turn that runs or waits; `ended` names others that have ended by their rows, and wait in its queue yet. */
  cancelTurn(turn: CommittedTurn & { ended?: string[] }): Promise<void>;
  /** Tells the conversation that a person has decided about a call of the turn. */
  decideCall(call: CommittedTurn & { callId: string }): Promise<void>;
  /** Tells the conversation that a model of its turn was mended; nothing happens where it has no open run. */
  endRest(turn: Pick<CommittedTurn, 'conversationId' | 'turnId'>): Promise<void>;
  /** Whether a run of the conversation is open. */
  conversationRuns(turn: Pick<CommittedTurn, 'conversationId'>): Promise<boolean>;
  /** True if it started a run; false if one was there and works on. */
  startIngest(input: IngestDocumentInput): Promise<boolean>;
  /** Starts the workflow of that id, which ingests several small documents; nothing happens where it runs. */
  startIngestBatch(workflowId: string, input: IngestBatchInput): Promise<void>;
  /** Whether a run of the ingestion is open: by the id that its generation's row names, or of a workflow of its own. */
  ingestRuns(input: IngestDocumentInput, workflowId?: string): Promise<boolean>;
  /** Asks an open run to end; nothing happens where there is none. */
  cancelIngest(ingest: Pick<IngestDocumentInput, 'documentId' | 'generation'>): Promise<void>;
  /** Starts the workflow of an accepted sync; nothing happens where it runs. */
  startSync(input: SyncSourceInput): Promise<void>;
  /** Asks the run of a sync to end, and no other sync of its source; false where it has none. */
  cancelSync(input: SyncSourceInput): Promise<boolean>;
  /** Whether a run of the sync is open. */
  syncRuns(input: SyncSourceInput): Promise<boolean>;
  /** Starts the workflow of an accepted move to another embedding model; nothing happens where it runs. */
  startMove(input: MoveEmbeddingsInput): Promise<void>;
  /** Asks the run of a move to end; nothing happens where there is none. */
  cancelMove(input: MoveEmbeddingsInput): Promise<void>;
  /** Starts looking after the indexes of a model's vectors; false where that is under way. */
  startMaintenance(input: IndexModelInput): Promise<boolean>;
  /** Asks it to end; nothing happens where it is not under way. */
  cancelMaintenance(input: IndexModelInput): Promise<void>;
  /** Starts the building of the indexes of a model's vectors; nothing happens where it runs. */
  startIndexing(input: IndexModelInput): Promise<void>;
  /** Starts the sending of a message to a webhook; nothing happens where it runs. */
  startDelivery(input: DeliverWebhookInput): Promise<void>;
}

// An entity that completes while a message is on its way refuses the update; the next attempt starts a new run.
const updateAttempts = 3;
// Of a sync's run: which one it is.
const syncMemo = 'sync';
// Temporal's own is 10 s. The update that brings a turn comes while its answer begins, so a killed worker may hold its task.
const taskTimeout = '3 seconds';

/** Makes the starter of one process. */
export function createWorkStarter(client: Client): WorkStarter {
  async function updateConversation(
    turn: CommittedTurn,
    update: string,
    argument: { turnId: string; callId?: string; ended?: string[] },
  ): Promise<void> {
    const input: ConversationInput = {
      workspaceId: turn.workspaceId,
      conversationId: turn.conversationId,
      agentId: turn.agentId,
    };
    for (let attempt = 1; ; attempt += 1) {
      const startWorkflowOperation = new WithStartWorkflowOperation<Workflow>(workflowTypes.conversation, {
        workflowId: workflowIds.conversation(turn.conversationId),
        taskQueue: turn.isHeld === true ? taskQueues.evaluate : taskQueues.chat,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowTaskTimeout: taskTimeout,
        staticSummary: 'Conversation: one turn at a time',
        staticDetails: `Conversation \`${turn.conversationId}\` with agent \`${turn.agentId}\``,
        typedSearchAttributes: attributes({
          PerdureWorkspace: turn.workspaceId,
          PerdureAgent: turn.agentId,
          PerdureConversation: turn.conversationId,
        }),
      });
      try {
        await client.workflow.executeUpdateWithStart(update, {
          startWorkflowOperation,
          args: [argument],
        });
        return;
      } catch (error) {
        if (attempt === updateAttempts) throw error;
      }
    }
  }

  async function startOnce(type: string, options: WorkflowStartOptions): Promise<void> {
    try {
      await client.workflow.start(type, {
        ...options,
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  return {
    submitTurn: (turn) => updateConversation(turn, conversationMessages.submitTurn, { turnId: turn.turnId }),
    cancelTurn: ({ ended = [], ...turn }) =>
      updateConversation(turn, conversationMessages.cancelTurn, {
        turnId: turn.turnId,
        ...(ended.length > 0 && { ended }),
      }),
    decideCall: ({ callId, ...turn }) =>
      updateConversation(turn, conversationMessages.decideCall, { turnId: turn.turnId, callId }),
    async endRest({ conversationId, turnId }) {
      try {
        const handle = client.workflow.getHandle(workflowIds.conversation(conversationId));
        await handle.signal<[EndRest]>(conversationMessages.endRest, { turnId });
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    async conversationRuns({ conversationId }) {
      try {
        const handle = client.workflow.getHandle(workflowIds.conversation(conversationId));
        return (await handle.describe()).status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    async startIngest(input) {
      try {
        await client.workflow.start(workflowTypes.ingestDocument, {
          workflowId: workflowIds.ingestDocument(input.documentId, input.generation),
          taskQueue: taskQueues.ingest,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Ingest one document',
          staticDetails: `Document \`${input.documentId}\`, generation ${input.generation}`,
          typedSearchAttributes: attributes({
            PerdureWorkspace: input.workspaceId,
            PerdureDocument: input.documentId,
            PerdureStatus: 'processing',
          }),
        });
        return true;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        return false;
      }
    },
    async startIngestBatch(workflowId, input) {
      const { workspaceId, documents } = input;
      await startOnce(workflowTypes.ingestBatch, {
        workflowId,
        taskQueue: taskQueues.ingest,
        args: [input],
        staticSummary: `Ingest ${documents.length} small documents`,
        staticDetails: documents
          .map(({ documentId, generation }) => `- Document \`${documentId}\`, generation ${generation}`)
          .join('\n'),
        typedSearchAttributes: attributes({ PerdureWorkspace: workspaceId, PerdureStatus: 'processing' }),
      });
    },
    async ingestRuns({ documentId, generation }, workflowId = workflowIds.ingestDocument(documentId, generation)) {
      try {
        const handle = client.workflow.getHandle(workflowId);
        return (await handle.describe()).status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    async cancelIngest({ documentId, generation }) {
      try {
        await client.workflow.getHandle(workflowIds.ingestDocument(documentId, generation)).cancel();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    async startSync(input) {
      try {
        await client.workflow.start(workflowTypes.syncSource, {
          workflowId: syncWorkflowId(input),
          taskQueue: taskQueues.sync,
          args: [input],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Bring a source up to date',
          staticDetails: `Source \`${input.knowledgeSourceId}\`, sync \`${input.syncId}\``,
          memo: { [syncMemo]: input.syncId },
          typedSearchAttributes: attributes({ PerdureWorkspace: input.workspaceId, PerdureStatus: 'processing' }),
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
    async cancelSync(input) {
      const workflowId = syncWorkflowId(input);
      try {
        const found = await client.workflow.getHandle(workflowId).describe();
        // Syncs of a source follow each other under one id. Runs that began before they bore a memo are taken at their word.
        if (found.status.name !== 'RUNNING' || (found.memo?.[syncMemo] ?? input.syncId) !== input.syncId) return false;
        // Whatever begins between these two calls is of another chain, which Temporal refuses to cancel by this one.
        const firstExecutionRunId = found.raw.workflowExecutionInfo?.firstRunId || found.runId;
        await client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId }).cancel();
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
    async startMove(input) {
      await startOnce(workflowTypes.moveEmbeddings, {
        workflowId: workflowIds.moveEmbeddings(input.moveId),
        taskQueue: taskQueues.ingest,
        args: [input],
        staticSummary: 'Move to another embedding model',
        staticDetails: `Move \`${input.moveId}\``,
        typedSearchAttributes: attributes({ PerdureWorkspace: input.workspaceId }),
      });
    },
    async cancelMove({ moveId }) {
      try {
        await client.workflow.getHandle(workflowIds.moveEmbeddings(moveId)).cancel();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    async startMaintenance(input) {
      try {
        await client.workflow.start(workflowTypes.maintainIndex, {
          workflowId: workflowIds.maintainIndex(input.modelId),
          taskQueue: taskQueues.maintain,
          args: [input],
          workflowIdConflictPolicy: 'FAIL',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Maintain the indexes of an embedding model',
          staticDetails: `Model \`${input.modelId}\``,
          typedSearchAttributes: attributes({ PerdureWorkspace: input.workspaceId }),
        });
        return true;
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        return false;
      }
    },
    async cancelMaintenance({ modelId }) {
      try {
        await client.workflow.getHandle(workflowIds.maintainIndex(modelId)).cancel();
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
    },
    async startIndexing(input) {
      await startOnce(workflowTypes.indexModel, {
        workflowId: workflowIds.indexModel(input.modelId),
        taskQueue: taskQueues.maintain,
        args: [input],
        staticSummary: 'Build the indexes of an embedding model',
        staticDetails: `Model \`${input.modelId}\``,
        typedSearchAttributes: attributes({ PerdureWorkspace: input.workspaceId }),
      });
    },
    async startDelivery(input) {
      await startOnce(workflowTypes.deliverWebhook, {
        workflowId: workflowIds.deliverWebhook(input.deliveryId),
        taskQueue: taskQueues.sync,
        args: [input],
        staticSummary: 'Tell a webhook',
        staticDetails: `Delivery \`${input.deliveryId}\``,
        typedSearchAttributes: attributes({ PerdureWorkspace: input.workspaceId }),
      });
    },
    async syncRuns(input) {
      try {
        return (await client.workflow.getHandle(syncWorkflowId(input)).describe()).status.name === 'RUNNING';
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },
  };
}

/** One full sync of a source at a time; named items are fetched beside it. */
function syncWorkflowId({ kind, knowledgeSourceId, syncId }: SyncSourceInput): string {
  return kind === 'full' ? workflowIds.syncSource(knowledgeSourceId) : workflowIds.syncItems(syncId);
}

function attributes(values: Partial<Record<SearchAttributeName, string>>): TypedSearchAttributes {
  const pairs = Object.entries(values).map(([name, value]): SearchAttributePair => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value,
  }));
  return new TypedSearchAttributes(pairs);
}
