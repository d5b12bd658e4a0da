import { documentsChannel, evaluationsChannel, turnsChannel } from '../contracts/names/limits.ts';
import { inspectDocument } from '../providers/parsers/detection/inspect-document.ts';
import { createChatQueryRewriter } from '../providers/chat/chat-query-rewriter.ts';
import { createChatReranker } from '../providers/chat/chat-reranker.ts';
import { textAnalyzer } from '../providers/lexical/text-analyzer.ts';
import type { PaidCall } from '../providers/paid-call.ts';
import { createProviders } from '../providers/registry.ts';
import type { ModelSettings } from '../providers/registry.ts';
import { seePrompts } from '../activities/conversation/prompt/see-prompts.ts';
import { storedModel, type CallableModel, type StoredModel } from '../entities/agents/stored-model.ts';
import type { ProposalKey } from '../entities/evaluations/case-proposal-repository.ts';
import type { EvaluationKey } from '../entities/evaluations/evaluation-repository.ts';
import { createArgumentCheck } from './check-arguments.ts';
import { checkDatabase } from './check-database.ts';
import type { Config } from './config.ts';
import { createDatabase } from './database.ts';
import { createEvaluationDesk } from './evaluation-desk.ts';
import { createEvaluationStarter } from './evaluation-starter.ts';
import { createProposalStarter } from './proposal-starter.ts';
import type { Logger } from './log.ts';
import { createMemoryDesk } from './memory-desk.ts';
import { localModelOptions } from './local-model-options.ts';
import { createNotificationListener } from './notification-listener.ts';
import { createNotifier } from './notifier.ts';
import { poolSizes } from './pool-sizes.ts';
import { open, seal } from './seal.ts';
import { createScheduleDesk } from './schedule-desk.ts';
import { createSourceSchedules, type SourceSchedules } from './source-schedules.ts';
import { httpTelemetry } from './telemetry/http-telemetry.ts';
import type { Telemetry } from './telemetry/start-telemetry.ts';
import { traceProviders } from './telemetry/trace-providers.ts';
import { guardBudgets } from './guard-budgets.ts';
import { connectTemporal } from './temporal-client.ts';
import { openToolWorkshop } from './tool-workshop.ts';
import { createTurnSubmitter, type TurnSubmitter } from './turn-submitter.ts';
import { createWorkStarter } from './work-starter.ts';
import type { WorkStarter } from './work-starter.ts';

/** A request waits at most this long for Temporal before it leaves the start to the sweep. */
const startDeadlineMs = 2_000;

/**
 * Connects everything that the API works with. `close` ends it all, once nothing is served any more.
 * @throws StartError when the database or Temporal cannot be used, with the way out.
 */
export async function createApiDeps(config: Config, telemetry: Telemetry, log: Logger) {
  const pool = config.PERDURE_DATABASE_POOL;
  // An API and a worker with the same settings are the least that runs.
  await checkDatabase(config.DATABASE_URL, 2 * pool);
  const { client, connection } = await connectTemporal(telemetry.clientPlugins);
  const database = createDatabase(config, 'perdure-api', telemetry.metrics.watchPool);
  const notifier = createNotifier(config.DATABASE_URL);
  const notifications = createNotificationListener({
    connectionString: config.DATABASE_URL,
    channels: [turnsChannel, documentsChannel, evaluationsChannel],
    applicationName: 'perdure-api-listener',
  });
  const providers = guardBudgets(
    traceProviders(createProviders(localModelOptions(config)), {
      captureContent: config.PERDURE_CAPTURE_CONTENT,
      metrics: telemetry.metrics,
    }),
    database,
  );
  // On one machine the worker serves its own metrics beside the API, and one scrape gets both.
  if (config.PERDURE_METRICS_PORT !== 0)
    telemetry.metrics.mergeFrom(`http://127.0.0.1:${config.PERDURE_METRICS_PORT}/metrics`);
  const soon = <T>(work: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + startDeadlineMs, work);
  const starts = createWorkStarter(client);
  const { submitTurn, cancelTurn, startIngest, ingestRuns, cancelIngest, startSync, cancelSync, syncRuns } = starts;
  const runs = createEvaluationStarter(client, database);
  const proposals = createProposalStarter(client);
  const schedules = createSourceSchedules(client);
  const desk = createScheduleDesk({
    client,
    database,
    configured: config.PERDURE_SCHEDULES,
    operatorWorkspace: config.PERDURE_OPERATOR_WORKSPACE,
    soon,
  });
  const turns = createTurnSubmitter({
    notifier,
    notifications,
    submit: (turn) => soon(() => submitTurn(turn)),
    onFailure: ({ turnId }, error) => log.warn({ turn: turnId, err: error }, 'start left to the sweep'),
  });
  const starter: WorkStarter & Pick<TurnSubmitter, 'announceTurn'> = {
    announceTurn: config.PERDURE_EARLY_ANSWERS ? turns.announceTurn : () => {},
    submitTurn: turns.submitTurn,
    cancelTurn: (turn) => soon(() => cancelTurn(turn)),
    decideCall: (call) => soon(() => starts.decideCall(call)),
    endRest: (turn) => soon(() => starts.endRest(turn)),
    conversationRuns: (turn) => soon(() => starts.conversationRuns(turn)),
    startIngest: (input) => soon(() => startIngest(input)),
    startIngestBatch: (id, input) => soon(() => starts.startIngestBatch(id, input)),
    ingestRuns: (input, id) => soon(() => ingestRuns(input, id)),
    cancelIngest: (ingest) => soon(() => cancelIngest(ingest)),
    startSync: (input) => soon(() => startSync(input)),
    cancelSync: (input) => soon(() => cancelSync(input)),
    syncRuns: (input) => soon(() => syncRuns(input)),
    startMove: (input) => soon(() => starts.startMove(input)),
    cancelMove: (input) => soon(() => starts.cancelMove(input)),
    startMaintenance: (input) => soon(() => starts.startMaintenance(input)),
    cancelMaintenance: (input) => soon(() => starts.cancelMaintenance(input)),
    startIndexing: (input) => soon(() => starts.startIndexing(input)),
    startDelivery: (input) => soon(() => starts.startDelivery(input)),
  };
  const opened = (model: StoredModel): ModelSettings => ({
    ...model,
    apiKey: model.apiKey === null ? null : open(config.PERDURE_SECRET_KEY, model.apiKey),
  });
  const settingsOf = (model: CallableModel): ModelSettings => opened(storedModel(model));
  const workshop = openToolWorkshop(config);
  return {
    database,
    temporal: client,
    notifications,
    notifier,
    starter,
    log,
    capacity: { transactions: poolSizes(pool).app, waiting: 1_000, streams: 2_000, bodyBytes: 256 * 1024 * 1024 },
    corsOrigins: config.PERDURE_CORS_ORIGINS,
    memory: createMemoryDesk(config.PERDURE_MEMORY_TOKENS),
    keepAliveMs: config.PERDURE_KEEP_ALIVE_MS,
    httpTelemetry: httpTelemetry(telemetry.metrics),
    renderMetrics: () => telemetry.metrics.render(),
    embeddingModel: (model: CallableModel) => providers.embeddingModel(settingsOf(model)),
    textAnalyzer,
    reranker: (model: CallableModel, paid: PaidCall) =>
      createChatReranker(providers.chatModel(settingsOf(model)), paid),
    queryRewriter: (model: CallableModel, paid: PaidCall) =>
      createChatQueryRewriter(providers.chatModel(settingsOf(model)), paid),
    inspectDocument,
    applySchedule: (...[source, schedule]: Parameters<SourceSchedules['apply']>) =>
      soon(() => schedules.apply(source, schedule)),
    schedules: desk,
    tools: workshop,
    evaluations: {
      ...createEvaluationDesk(database),
      start: (key: EvaluationKey) => soon(() => runs.startEvaluation(key)),
      cancel: (key: EvaluationKey) => soon(() => runs.cancelEvaluation(key)),
      startProposal: (key: ProposalKey) => soon(() => proposals.startProposal(key)),
      cancelProposal: (key: ProposalKey) => soon(() => proposals.cancelProposal(key)),
    },
    checkArguments: createArgumentCheck({
      database,
      workshop,
      chatModel: (model) => providers.chatModel(opened(model)),
      embeddingModel: (model) => providers.embeddingModel(opened(model)),
    }),
    seePrompts,
    historyUrl: (workflowId: string, runId: string | null) =>
      config.PERDURE_TEMPORAL_UI_URL === undefined || runId === null
        ? null
        : `${config.PERDURE_TEMPORAL_UI_URL.replace(/\/$/, '')}/namespaces/${encodeURIComponent(client.options.namespace)}` +
          `/workflows/${encodeURIComponent(workflowId)}/${encodeURIComponent(runId)}/history`,
    seal: (secret: string) => seal(config.PERDURE_SECRET_KEY, secret),
    async close() {
      await turns.drain();
      await notifications.close();
      await notifier.close();
      await connection.close();
      await providers.close();
      await database.close();
    },
  };
}
