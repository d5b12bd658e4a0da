import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { v7 } from 'uuid';
import { createChangeWriter } from '../../../activities/evaluation/change-writer.ts';
import type { HeldTurn } from '../../../activities/evaluation/evaluation-deps.ts';
import type { ConversationDeps } from '../../../activities/conversation/conversation-deps.ts';
import { createEarlyAnswers } from '../../../activities/conversation/early-answers.ts';
import { createConversationActivities } from '../../../activities/conversation/create-conversation-activities.ts';
import { createTurnEventAppender } from '../../../activities/conversation/turn-event-appender.ts';
import { createEvaluationActivities } from '../../../activities/evaluation/create-evaluation-activities.ts';
import { createSweepEvaluations } from '../../../activities/evaluation/sweep-evaluations.ts';
import { givenCaseSchema } from '../../../contracts/evaluation-case.ts';
import type {
  EvaluationConfiguration,
  EvaluationPlan,
  PlannedVariant,
} from '../../../contracts/names/evaluation-plan.ts';
import { taskQueues } from '../../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type EvaluateResult } from '../../../contracts/names/workflows.ts';
import { readMetricChoice } from '../../../domain/metrics/read-metric-choice.ts';
import { listHistories, readHistory } from '../../../entities/evaluations/evaluation-history-repository.ts';
import { importCases } from '../../../entities/evaluations/evaluation-dataset-repository.ts';
import {
  createEvaluation,
  endRun,
  findEvaluation,
  reopenRun,
  type EvaluationKey,
  type EvaluationRow,
} from '../../../entities/evaluations/evaluation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { createEvaluationStarter, type EvaluationStarter } from '../../../platform/evaluation-starter.ts';
import { createProposalStarter } from '../../../platform/proposal-starter.ts';
import { guardBudgets } from '../../../platform/guard-budgets.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../../providers/fetch/guarded-fetch.ts';
import { appendTurnEvents } from '../../../entities/conversations/turn-event-repository.ts';
import type { ChatModel } from '../../../providers/chat-model.ts';
import { createProviders, type ModelSettings } from '../../../providers/registry.ts';
import { startFakeProvider, type FakeProvider } from '../fake-provider/start-fake-provider.ts';
import { testDatabase } from '../servers/test-database.ts';
import { testServers } from '../servers/test-servers.ts';
import { testTemporal } from '../servers/test-temporal.ts';
import { createWorkspace, type TestWorkspace } from './create-workspace.ts';

// Tests make steps fail on purpose; what counts is what they assert.
Runtime.install({ logger: new DefaultLogger('ERROR') });

/** A case as tests write it. */
export type TestCase = { key?: string; question: string; expected_answer?: string; metadata?: Record<string, unknown> };

type TestTarget = 'prompt_template' | 'endpoint' | 'agent';

/** How a test's run differs from one variant with one lane and one metric. */
export type TestRun = Partial<EvaluationConfiguration> & {
  /** Null: those that the data set has. */
  cases: readonly TestCase[] | null;
  measure: readonly (string | { name: string; parameters?: Record<string, unknown>; label?: string })[];
  variants?: readonly Partial<PlannedVariant>[];
  judged?: boolean;
  baselineId?: string;
  reuse?: boolean;
  datasetId?: string;
};

/** Runs in place of a step; `run` is the step itself. */
export type AroundEvaluationStep = <T>(name: string, run: () => Promise<T>) => Promise<T>;

/**
 * Servers, a worker with the steps of evaluations, a fake provider and, for each test, a workspace whose model `chat` is
 * measured by a template that repeats the question, and whose model `judge` judges. Call at the top of a test file.
 */
export function evaluationHarness(options: { withConversations?: boolean } = {}) {
  const rows = testDatabase();
  const temporal = testTemporal();
  let connection: Connection;
  const self = {
    temporal,
    database: undefined as unknown as Database,
    provider: undefined as unknown as FakeProvider,
    client: undefined as unknown as Client,
    starter: undefined as unknown as EvaluationStarter,
    workspace: undefined as unknown as TestWorkspace & { judgeId: string; templateId: string },
    worker: undefined as unknown as { stop(): Promise<void> },
    around: ((_, run) => run()) as AroundEvaluationStep,
    /** Stands between the steps and the database, as a death would. */
    throughDatabase: (database: Database): Database => database,
    submitTurn: (async () => {}) as (turn: HeldTurn) => Promise<void>,
    ...options,
    startWorker: () => startEvaluationWorker(self),
    query: <Row>(text: string, parameters: unknown[] = []) =>
      self.database.asOperator((em) => query<Row & Record<string, unknown>>(em, text, parameters)),
    /** Makes a data set and a run of it, as the API does. */
    async request(run: TestRun, type: TestTarget = 'prompt_template'): Promise<EvaluationKey> {
      const { workspaceId } = self.workspace;
      const { cases, measure, variants = [{}], judged = false, baselineId = null, reuse = false, ...rest } = run;
      const evaluationId = v7();
      const datasetId = rest.datasetId ?? v7();
      await self.database.inWorkspace(workspaceId, async (em) => {
        if (rest.datasetId === undefined)
          await query(em, `insert into evaluation_datasets (id, workspace_id, name) values ($1, $2, $3)`, [
            datasetId,
            workspaceId,
            `data ${datasetId}`,
          ]);
        const given = (cases ?? []).map(({ question, ...other }) =>
          givenCaseSchema.parse({ ...other, input: { question } }),
        );
        const mode = cases === null ? 'append' : 'replace';
        const { version } = await importCases(em, { workspaceId, datasetId, mode, cases: given, origin: {} });
        await createEvaluation(em, {
          workspaceId,
          evaluationId,
          name: `run ${evaluationId}`,
          type,
          targetId: self.workspace.templateId,
          testCases: [],
          datasetId,
          datasetVersion: version,
          datasetHash: 'hash',
          configuration: configurationOf(rest, measure),
          target: await self.plan(variants, judged),
          baselineId,
          reuse,
          gitRevision: null,
        });
      });
      return { workspaceId, evaluationId };
    },
    async plan(variants: readonly Partial<PlannedVariant>[], judged: boolean): Promise<EvaluationPlan> {
      const { modelId, judgeId, templateId } = self.workspace;
      const model = { name: 'chat', provider: 'openai', modelId: 'fake', updatedAt: '1' };
      return {
        name: 'template',
        variants: variants.map((variant, index) => ({
          name: `variant ${index}`,
          agent: null,
          ragTool: null,
          retrievalTool: null,
          template: { id: templateId, name: 'template', version: '1' },
          model: { ...model, id: modelId },
          endpoint: null,
          instructions: null,
          temperature: null,
          maxTokens: null,
          search: {},
          ...variant,
        })),
        judge: judged ? { ...model, id: judgeId, name: 'judge' } : null,
        judgeEmbedding: null,
      };
    },
    async start(run: TestRun, blocksPerRun?: number, type?: TestTarget): Promise<EvaluationKey> {
      const key = await self.request(run, type);
      if (blocksPerRun === undefined) await self.starter.startEvaluation(key);
      else
        await self.client.workflow.start(workflowTypes.evaluate, {
          workflowId: workflowIds.evaluate(key.evaluationId),
          taskQueue: taskQueues.evaluate,
          args: [{ ...key, blocksPerRun }],
        });
      return key;
    },
    result: ({ evaluationId }: EvaluationKey) =>
      self.client.workflow.getHandle(workflowIds.evaluate(evaluationId)).result() as Promise<EvaluateResult>,
    /** Opens what failed or has no score, and starts the run again, as the API does. */
    async retry(key: EvaluationKey): Promise<number> {
      const opened = await self.database.inWorkspace(key.workspaceId, (em) => reopenRun(em, key));
      await self.starter.startEvaluation(key);
      return opened;
    },
    /** Ends a run as the API does: in its rows first. */
    async cancel(key: EvaluationKey): Promise<void> {
      const error = { code: 'cancelled', detail: 'It was cancelled on request.' };
      await self.database.inWorkspace(key.workspaceId, (em) => endRun(em, key, { status: 'cancelled', error }));
      await self.starter.cancelEvaluation(key);
    },
    /** The sizes of the kept histories of a run. */
    async histories({
      workspaceId,
      evaluationId,
    }: EvaluationKey): Promise<{ runId: string; events: number; last: string }[]> {
      return self.database.inWorkspace(workspaceId, async (em) => {
        const listed = await listHistories(em, evaluationId);
        return Promise.all(
          listed.map(async ({ run_id: runId }) => {
            const packed = (await readHistory(em, evaluationId, runId))!;
            const { events } = JSON.parse(gunzipSync(packed).toString('utf8')) as { events: { eventType: string }[] };
            return { runId, events: events.length, last: events.at(-1)!.eventType };
          }),
        );
      });
    },
    async row(key: EvaluationKey): Promise<EvaluationRow> {
      const row = await self.database.inWorkspace(key.workspaceId, (em) => findEvaluation(em, key.evaluationId));
      return row!;
    },
    /** Scores by case key and metric; a state where there is none. */
    async scores({ evaluationId }: EvaluationKey): Promise<Record<string, number | string>> {
      const found = await self.query<{ name: string; score: number | null; state: string }>(
        `select i.case_key || '/' || i.variant || '/' || r.metric as name, r.score, r.state
         from evaluation_results r join evaluation_items i using (evaluation_id, ordinal)
         where evaluation_id = $1 order by i.ordinal, r.metric`,
        [evaluationId],
      );
      return Object.fromEntries(found.map(({ name, score, state }) => [name, score ?? state]));
    },
    async sweep(): Promise<void> {
      await createSweepEvaluations({
        database: self.database,
        ...self.starter,
        ...createProposalStarter(self.client),
      })();
    },
  };

  beforeAll(async () => {
    self.database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 20 }, 'test');
    self.provider = await startFakeProvider();
    connection = await Connection.connect({ address: temporal.address });
    self.client = new Client({ connection, namespace: temporal.namespace });
    self.starter = createEvaluationStarter(self.client, self.database);
    self.worker = await self.startWorker();
  });
  beforeEach(async () => {
    const made = await createWorkspace(self.database, { endpoint: self.provider.url });
    const [judgeId, templateId] = [v7(), v7()];
    await self.query(
      `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, pricing)
       select $1, workspace_id, 'judge', 'chat', 'openai', 'judge', endpoint, pricing from models where id = $2`,
      [judgeId, made.modelId],
    );
    await self.query(
      `with template as (
         insert into prompt_templates (id, workspace_id, name, template, type) values ($1, $2, 'template', '{{question}}', 'user'))
       insert into prompt_template_versions (prompt_template_id, version, workspace_id, snapshot)
       values ($1, 1, $2, '{"name": "template", "type": "user", "template": "{{question}}", "variables": []}')`,
      [templateId, made.workspaceId],
    );
    self.workspace = { ...made, judgeId, templateId };
  });
  afterEach(() => {
    self.provider.control({ reset: true });
    self.around = (_, run) => run();
  });
  afterAll(async () => {
    await self.worker?.stop();
    await connection?.close();
    await self.provider?.stop();
    await self.database?.close();
  });
  return self;
}

function configurationOf(run: Partial<EvaluationConfiguration>, measure: TestRun['measure']): EvaluationConfiguration {
  return {
    gates: run.gates ?? [],
    repetitions: run.repetitions ?? 1,
    seed: run.seed ?? 1,
    lanes: run.lanes ?? 4,
    rate: run.rate ?? null,
    patience_seconds: run.patience_seconds ?? 60,
    user: null,
    tags: [],
    limit: null,
    metrics: measure.map((wanted) => {
      const read = readMetricChoice(wanted);
      if (!('choice' in read)) throw new Error(read.mistakes.join(' '));
      const { label, metric, parameters } = read.choice;
      return { label, name: metric.name, parameters };
    }),
  };
}

type Harness = {
  database: Database;
  temporal: { address: string; namespace: string };
  around: AroundEvaluationStep;
  throughDatabase(database: Database): Database;
  submitTurn?(turn: HeldTurn): Promise<void>;
  withConversations?: boolean;
};

/** A worker of the queue of evaluations in this process. */
export async function startEvaluationWorker(harness: Harness): Promise<{ stop(): Promise<void> }> {
  const { modelDirectory, cache } = testServers();
  const providers = guardBudgets(createProviders({ modelDirectory }), harness.database);
  const database = harness.throughDatabase(harness.database);
  const steps = createEvaluationActivities({
    database,
    chatModel: (model) => providers.chatModel({ ...model, apiKey: 'test' }),
    embeddingModel: (model) => providers.embeddingModel({ ...model, apiKey: 'test' }),
    fetch: createGuardedFetch(createAddressPolicy(['127.0.0.1']), 'test'),
    openSealed: (sealed) => sealed.slice('sealed:'.length),
    changes: createChangeWriter(database),
    submitTurn: (turn) => harness.submitTurn?.(turn) ?? Promise.resolve(),
    cancelTurn: async () => {},
    notifyEvaluation: () => {},
  });
  const conversations =
    harness.withConversations === true ? conversationSteps(database, (model) => providers.chatModel(model)) : {};
  const activities = Object.fromEntries(
    Object.entries({ ...steps, ...conversations }).map(([name, step]) => [
      name,
      (...args: unknown[]) => harness.around(name, () => (step as (...all: unknown[]) => Promise<unknown>)(...args)),
    ]),
  );
  const connection = await NativeConnection.connect({ address: harness.temporal.address });
  const worker = await Worker.create({
    connection,
    namespace: harness.temporal.namespace,
    taskQueue: taskQueues.evaluate,
    workflowBundle: { codePath: await workflowBundle(cache) },
    activities,
    maxHeartbeatThrottleInterval: '400 milliseconds',
    defaultHeartbeatThrottleInterval: '400 milliseconds',
    stickyQueueScheduleToStartTimeout: '2 seconds',
    shutdownForceTime: '20 seconds',
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  return {
    async stop() {
      worker.shutdown();
      await running.catch(() => {});
      await connection.close();
      await providers.close();
    },
  };
}

function conversationSteps(database: Database, open: (model: ModelSettings) => ChatModel) {
  const deps: ConversationDeps = {
    database,
    chatModel: (model) => open({ ...model, apiKey: 'test' }),
    embeddingModel: () => {
      throw new Error('No agent of these tests searches.');
    },
    tools: { resolve: async () => ({ tools: [], before: [], leftOut: [] }), open: async () => null },
    approvalMs: 1000,
    turnEvents: createTurnEventAppender({
      append: (events) => database.autocommit((em) => appendTurnEvents(em, events)),
      wake: () => {},
    }),
    wakeTurns: () => {},
    metrics: { turnFinished: () => {}, firstToken: () => {}, modelFailed: () => {} },
  };
  return createConversationActivities(
    deps,
    createEarlyAnswers(deps, () => {}),
  );
}
