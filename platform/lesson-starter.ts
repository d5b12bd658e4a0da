import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { SearchAttributeName } from '../contracts/names/search-attributes.ts';
import { taskQueues } from '../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type LearnMemoryInput } from '../contracts/names/workflows.ts';

const workspace = defineSearchAttributeKey('PerdureWorkspace' satisfies SearchAttributeName, 'KEYWORD');
const conversation = defineSearchAttributeKey('PerdureConversation' satisfies SearchAttributeName, 'KEYWORD');

/** Makes what starts the workflow of a lesson about a user's memory; nothing happens where it runs. */
export function createLessonStarter(client: Client): { startLesson(lesson: LearnMemoryInput): Promise<void> } {
  return {
    async startLesson({ workspaceId, conversationId, upToSequence }) {
      try {
        await client.workflow.start(workflowTypes.learnMemory, {
          workflowId: workflowIds.learnMemory(conversationId, upToSequence),
          taskQueue: taskQueues.chat,
          args: [{ workspaceId, conversationId, upToSequence } satisfies LearnMemoryInput],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: 'ALLOW_DUPLICATE',
          staticSummary: 'Learn about the user from a conversation',
          staticDetails: `Conversation \`${conversationId}\`, up to message ${upToSequence}`,
          typedSearchAttributes: new TypedSearchAttributes([
            { key: workspace, value: workspaceId },
            { key: conversation, value: conversationId },
          ]),
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      }
    },
  };
}
