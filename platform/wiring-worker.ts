import path from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { createConversationActivities } from '../activities/conversation/create-conversation-activities.ts';
import type { ConversationDeps } from '../activities/conversation/conversation-deps.ts';
import { createToolResolver } from '../activities/conversation/tools/resolve-tools.ts';
import { createEarlyAnswers } from '../activities/conversation/early-answers.ts';
import { createTurnEventAppender } from '../activities/conversation/turn-event-appender.ts';
import { createIngestionActivities } from '../activities/ingestion/create-ingestion-activities.ts';
import { createChangeWriter } from '../activities/evaluation/change-writer.ts';
import { createEvaluationActivities } from '../activities/evaluation/create-evaluation-activities.ts';
import { createModelActivities } from '../activities/embedding-models/create-model-activities.ts';
import { createMemoryActivities } from '../activities/memory/create-memory-activities.ts';
import { createSyncActivities } from '../activities/sync/create-sync-activities.ts';
import { createUpkeepActivities } from '../activities/upkeep/create-upkeep-activities.ts';
import { createWebhookActivities } from '../activities/webhooks/create-webhook-activities.ts';
import { approvalMs, documentsChannel, evaluationsChannel, turnsChannel } from '../contracts/names/limits.ts';
import { turnNewsChannel } from '../contracts/names/turn-news.ts';
import { webhookQueue, type TaskQueue } from '../contracts/names/task-queues.ts';
import { inspectDocument } from '../providers/parsers/detection/inspect-document.ts';
import type { StoredModel } from '../entities/agents/stored-model.ts';
import { appendTurnEvents } from '../entities/conversations/turn-event-repository.ts';
import { queueBrokenInvariants } from '../entities/webhooks/queue-broken-invariants.ts';
import { listTrippedModels } from '../entities/usage/model-circuit-repository.ts';
import { createDocumentParsers } from '../providers/parsers/document-parsers.ts';
import { createProviders, type ModelSettings } from '../providers/registry.ts';
import { cachedWorkflows } from './cached-workflows.ts';
import type { Config } from './config.ts';
import { createDatabase } from './database.ts';
import { ensureSchedules } from './ensure-schedules.ts';
import { createEvaluationStarter } from './evaluation-starter.ts';
import { createProposalStarter } from './proposal-starter.ts';
import { openGuardedFetch } from './guarded-fetch.ts';
import { createLessonStarter } from './lesson-starter.ts';
import { localModelOptions } from './local-model-options.ts';
import { createNotificationListener } from './notification-listener.ts';
import { createNotifier } from './notifier.ts';
import { payloadGuard } from './payload-guard.ts';
import { checkDatabase } from './check-database.ts';
import { parserOptions } from './parser-options.ts';
import { open } from './seal.ts';
import { staleAttemptGuard } from './stale-attempt-guard.ts';
import { createSourceSchedules } from './source-schedules.ts';
import { createSourceOpener } from './source-opener.ts';
import type { Telemetry } from './telemetry/start-telemetry.ts';
import { countIngestions } from './telemetry/count-ingestions.ts';
import { connectTemporal } from './temporal-client.ts';
import { openToolWorkshop } from './tool-workshop.ts';
import { traceProviders } from './telemetry/trace-providers.ts';
import { guardBudgets } from './guard-budgets.ts';
import { createDiskRoomReader } from './disk-room.ts';
import { createWorkStarter } from './work-starter.ts';
import { workflowBundle } from './workflow-bundle.ts';
import { createWorkflowStates } from './workflow-states.ts';

/** The Temporal workers of one process, and what they hold. */
export interface WorkerProcess {
  /** Resolves when `shutdown` has drained the workers, or cut off what did not end in time; rejects when one of them failed. */
  run(): Promise<{ isCutOff: boolean }>;
  shutdown(): void;
}

// A chat activity waits for a model, and one of a sync for its source, and holds no connection meanwhile; an ingest activity
// works all the time. One of maintain may build an index for hours.
const activitySlots: Record<TaskQueue, number> = { chat: 100, ingest: 6, sync: 16, evaluate: 16, maintain: 4 };
// Each waits for a receiver.
const webhookSlots = 16;

/**
 * Connects everything that activities need and makes a worker for each configured queue. Models come from `makeProviders`,
 * in whose place a benchmark puts one that computes nothing.
 */
export async function createWorkerProcess(
  config: Config,
  telemetry: Telemetry,
  makeProviders: typeof createProviders = createProviders,
): Promise<WorkerProcess> {
  await checkDatabase(config.DATABASE_URL, config.PERDURE_DATABASE_POOL);
  const { client, connection, namespace } = await connectTemporal(telemetry.clientPlugins);
  const database = createDatabase(config, 'perdure-worker', telemetry.metrics.watchPool);
  telemetry.metrics.watchCircuits(() => database.asOperator(listTrippedModels));
  const notifier = createNotifier(config.DATABASE_URL);
  const providers = guardBudgets(
    traceProviders(makeProviders(localModelOptions(config)), {
      captureContent: config.PERDURE_CAPTURE_CONTENT,
      metrics: telemetry.metrics,
    }),
    database,
  );
  const [bundlePath, nativeConnection] = await Promise.all([
    config.PERDURE_WORKFLOW_BUNDLE ?? workflowBundle(path.join(config.PERDURE_HOME, 'cache')),
    NativeConnection.connect(loadClientConnectConfig().connectionOptions),
  ]);
  const starter = createWorkStarter(client);
  const evaluations = createEvaluationStarter(client, database);
  const notifyEvaluation = (evaluationId: string) => notifier.notify(evaluationsChannel, [evaluationId]);
  const parsers = createDocumentParsers(parserOptions(config));

  const settingsOf = (model: StoredModel): ModelSettings => ({
    ...model,
    apiKey: model.apiKey === null ? null : open(config.PERDURE_SECRET_KEY, model.apiKey),
  });
  const chatModel = (model: StoredModel) => providers.chatModel(settingsOf(model));
  const embeddingModel = (model: StoredModel) => providers.embeddingModel(settingsOf(model));
  const wakeTurns = (turnIds: readonly string[]) => notifier.notify(turnsChannel, turnIds);
  const conversations: ConversationDeps = {
    database,
    chatModel,
    embeddingModel,
    tools: createToolResolver({ database, chatModel, embeddingModel, workshop: openToolWorkshop(config) }),
    approvalMs,
    turnEvents: createTurnEventAppender({
      append: (events) => database.autocommit((em) => appendTurnEvents(em, events)),
      wake: wakeTurns,
    }),
    wakeTurns,
    metrics: telemetry.metrics,
  };
  const early = createEarlyAnswers(conversations, (news) => notifier.notify(turnNewsChannel, [news]));
  const webhooks = createWebhookActivities({
    database,
    fetch: openGuardedFetch(config),
    openSealed: (sealed) => open(config.PERDURE_SECRET_KEY, sealed),
  });
  const activities = {
    ...createConversationActivities(conversations, early),
    ...countIngestions(
      createIngestionActivities({
        database,
        embeddingModel,
        parsers,
        openSealed: (sealed) => open(config.PERDURE_SECRET_KEY, sealed),
        notifyDocument: (documentId) => notifier.notify(documentsChannel, [documentId]),
      }),
      telemetry.metrics,
    ),
    ...createSyncActivities({
      database,
      openSource: createSourceOpener(config),
      inspectDocument,
      notifyDocument: (documentId) => notifier.notify(documentsChannel, [documentId]),
      ...starter,
    }),
    ...createModelActivities({
      database,
      embeddingModel,
      notifyDocument: (documentId) => notifier.notify(documentsChannel, [documentId]),
      readDiskRoom: createDiskRoomReader(config, database),
    }),
    ...createEvaluationActivities({
      database,
      chatModel,
      embeddingModel,
      fetch: openGuardedFetch(config),
      openSealed: (sealed) => open(config.PERDURE_SECRET_KEY, sealed),
      changes: createChangeWriter(database),
      submitTurn: (turn) => starter.submitTurn({ ...turn, isHeld: true }),
      cancelTurn: (turn) => starter.cancelTurn({ ...turn, isHeld: true }),
      notifyEvaluation,
    }),
    ...createMemoryActivities({
      database,
      chatModel,
      metrics: telemetry.metrics,
      memory: { capTokens: config.PERDURE_MEMORY_TOKENS, idleSeconds: config.PERDURE_MEMORY_IDLE_SECONDS },
      ...createLessonStarter(client),
    }),
    ...webhooks,
    ...createUpkeepActivities({
      database,
      applySchedule: createSourceSchedules(client).apply,
      workflows: createWorkflowStates(client),
      metrics: telemetry.metrics,
      retention: config.PERDURE_RETENTION,
      announceBreaches: (key, breaches) =>
        database.asOperator((em) =>
          queueBrokenInvariants(em, { workspace: config.PERDURE_OPERATOR_WORKSPACE, key, breaches }),
        ),
      ...starter,
      ...evaluations,
      ...createProposalStarter(client),
    }),
  };
  const common = {
    connection: nativeConnection,
    namespace,
    plugins: telemetry.workerPlugins,
    interceptors: { activity: [staleAttemptGuard, payloadGuard] },
    // Sent no more often than activities give them: Temporal writes each to its database.
    maxHeartbeatThrottleInterval: '750 milliseconds',
    defaultHeartbeatThrottleInterval: '750 milliseconds',
    shutdownGraceTime: '3 seconds',
    shutdownForceTime: '6 seconds',
  } satisfies Partial<WorkerOptions>;
  const workers = await Promise.all(
    config.PERDURE_QUEUES.map((taskQueue) =>
      Worker.create({
        ...common,
        taskQueue,
        workflowBundle: { codePath: bundlePath },
        activities,
        maxConcurrentActivityTaskExecutions: activitySlots[taskQueue],
        maxCachedWorkflows: config.PERDURE_CACHED_WORKFLOWS ?? cachedWorkflows(getHeapStatistics().heap_size_limit),
        // One thread each: workflows here only order steps, and each thread costs about 40 MB.
        workflowThreadPoolSize: 1,
        // After a kill, workflow tasks wait this long for the dead worker before another may have them.
        stickyQueueScheduleToStartTimeout: '2 seconds',
        // A fault in the code of a workflow ends that run with its reason instead of blocking it for ever.
        workflowFailureErrorTypes: { '*': ['TypeError', 'RangeError', 'ReferenceError'] },
      }),
    ),
  );
  if (config.PERDURE_QUEUES.includes('sync'))
    workers.push(
      await Worker.create({
        ...common,
        taskQueue: webhookQueue,
        activities: webhooks,
        maxConcurrentActivityTaskExecutions: webhookSlots,
      }),
    );
  if (config.PERDURE_QUEUES.includes('maintain')) await ensureSchedules(client, config.PERDURE_SCHEDULES);
  const news = createNotificationListener({
    connectionString: config.DATABASE_URL,
    channels: [turnNewsChannel],
    applicationName: 'perdure-worker-listener',
  });

  let isStopping = false;
  let isCutOff = false;
  // A worker that was told to stop, and whose work does not end in time, reports that as a failure.
  const noteCutOff = (error: unknown): void => {
    if (!isStopping) throw error;
    isCutOff = true;
  };

  return {
    async run() {
      try {
        const running = workers.map((worker) => worker.run().catch(noteCutOff));
        if (config.PERDURE_QUEUES.includes('chat')) news.subscribe(turnNewsChannel, early.hear);
        await Promise.all(running);
        return { isCutOff };
      } finally {
        await news.close();
        await early.close();
        await connection.close();
        // What was cut off holds it until the process has ended.
        if (!isCutOff) await nativeConnection.close();
        await parsers.close();
        await providers.close();
        await notifier.close();
        await database.close();
      }
    },
    shutdown() {
      isStopping = true;
      void early.close();
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
    },
  };
}
