import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import type { ConversationDeps, ToolResolver } from '../../../activities/conversation/conversation-deps.ts';
import { createConversationActivities } from '../../../activities/conversation/create-conversation-activities.ts';
import { createEarlyAnswers, type EarlyAnswers } from '../../../activities/conversation/early-answers.ts';
import { createTurnEventAppender } from '../../../activities/conversation/turn-event-appender.ts';
import { approvalMs as usualApprovalMs } from '../../../contracts/names/limits.ts';
import { taskQueues } from '../../../contracts/names/task-queues.ts';
import { appendTurnEvents } from '../../../entities/conversations/turn-event-repository.ts';
import type { Database } from '../../../platform/database.ts';
import { guardBudgets } from '../../../platform/guard-budgets.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { createProviders } from '../../../providers/registry.ts';
import { testServers } from '../servers/test-servers.ts';
import type { TestTemporal } from '../servers/test-temporal.ts';

// Tests make activities fail on purpose; what counts is what they assert.
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** A worker of the chat queue in this process; it hears of turns that were just committed only what `early` is told. */
export type ConversationWorker = { worker: Worker; deps: ConversationDeps; early: EarlyAnswers; stop(): Promise<void> };

type Activities = ReturnType<typeof createConversationActivities>;

const ragToolsAlone: ToolResolver = {
  resolve: async (_em, { references }) => ({
    tools: [],
    before: references.filter(({ type }) => type === 'rag_tool').map(({ id }) => id),
    leftOut: [],
  }),
  open: async () => null,
};

/** Runs the conversation's workflow and activities against real servers; the model is whatever the rows say. */
export async function startConversationWorker(
  database: Database,
  temporal: TestTemporal,
  options: Partial<WorkerOptions> & {
    tools?: ToolResolver;
    approvalMs?: number;
    /** Takes the news that early answers tell other processes. */
    tell?: (news: string) => void;
    /** Puts something around the activities. */
    around?: <T extends Activities>(activities: T) => T;
  } = {},
): Promise<ConversationWorker> {
  const { modelDirectory, cache } = testServers();
  const {
    tools = ragToolsAlone,
    approvalMs = usualApprovalMs,
    around = (same) => same,
    tell = () => {},
    ...workerOptions
  } = options;
  const providers = guardBudgets(createProviders({ modelDirectory }), database);
  const settings = (model: { provider: string; modelId: string; endpoint: string | null; capabilities: object }) => ({
    ...model,
    apiKey: 'test',
    capabilities: { ...model.capabilities },
  });
  const deps: ConversationDeps = {
    database,
    chatModel: (model) => providers.chatModel(settings(model)),
    embeddingModel: (model) => providers.embeddingModel(settings(model)),
    tools,
    approvalMs,
    turnEvents: createTurnEventAppender({
      append: (events) => database.autocommit((em) => appendTurnEvents(em, events)),
      wake: () => {},
    }),
    wakeTurns: () => {},
    metrics: { turnFinished: () => {}, firstToken: () => {}, modelFailed: () => {} },
  };
  const early = createEarlyAnswers(deps, tell);
  const connection = await NativeConnection.connect({ address: temporal.address });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: taskQueues.chat,
    workflowBundle: { codePath: await workflowBundle(cache) },
    activities: around(createConversationActivities(deps, early)),
    maxHeartbeatThrottleInterval: '1 second',
    defaultHeartbeatThrottleInterval: '1 second',
    stickyQueueScheduleToStartTimeout: '2 seconds',
    shutdownForceTime: '20 seconds',
    sinks: { trace: { span: { fn: () => {} } } },
    ...workerOptions,
  });
  const running = worker.run();
  return {
    worker,
    deps,
    early,
    async stop() {
      await early.close();
      worker.shutdown();
      await running;
      await connection.close();
      await providers.close();
    },
  };
}
