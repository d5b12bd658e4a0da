import { taskQueues } from '../../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../../contracts/names/workflows.ts';
import type { ConversationInput } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';

/** Starts the workflow of a conversation so that it continues as new after every `turnsPerRun` turns. */
export async function startShortRuns(
  { database, temporal }: Pick<ProxiedStack, 'database' | 'temporal'>,
  conversationId: string,
  turnsPerRun: number,
): Promise<void> {
  const [row] = await database.asOperator((em) =>
    query<{ workspaceId: string; agentId: string }>(
      em,
      `select workspace_id as "workspaceId", agent_id as "agentId" from conversations where id = $1`,
      [conversationId],
    ),
  );
  const input: ConversationInput = { ...row!, conversationId, turnsPerRun };
  await temporal.workflow.start(workflowTypes.conversation, {
    workflowId: workflowIds.conversation(conversationId),
    taskQueue: taskQueues.chat,
    args: [input],
  });
}

/** How many times runs of these conversations have continued as new. */
export async function countContinuations(
  { temporal }: Pick<ProxiedStack, 'temporal'>,
  conversationIds: readonly string[],
): Promise<number> {
  const known = new Set(conversationIds.map((id) => workflowIds.conversation(id)));
  let continued = 0;
  const runs = `WorkflowType = '${workflowTypes.conversation}' and ExecutionStatus = 'ContinuedAsNew'`;
  for await (const { workflowId } of temporal.workflow.list({ query: runs })) if (known.has(workflowId)) continued += 1;
  return continued;
}
