import { NativeConnection, Worker } from '@temporalio/worker';
import { createModelActivities } from '../../../activities/embedding-models/create-model-activities.ts';
import { createIngestionActivities } from '../../../activities/ingestion/create-ingestion-activities.ts';
import type { StoredEmbeddingModel } from '../../../activities/ingestion/ingestion-deps.ts';
import { taskQueues } from '../../../contracts/names/task-queues.ts';
import type { Database } from '../../../platform/database.ts';
import { guardBudgets } from '../../../platform/guard-budgets.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { createProviders } from '../../../providers/registry.ts';
import { testParsers } from './test-parsers.ts';
import { testServers } from '../servers/test-servers.ts';
import type { TestTemporal } from '../servers/test-temporal.ts';

/** The steps of ingestion, as a worker registers them. */
export type IngestionSteps = ReturnType<typeof createIngestionActivities> & ReturnType<typeof createModelActivities>;

/** The name of a step. */
export type StepName = keyof IngestionSteps;

/** Runs in place of a step; `run` is the step itself, with its arguments. */
export type AroundStep = <T>(name: StepName, run: () => Promise<T>, args: readonly unknown[]) => Promise<T>;

/** A worker of the ingest queue in this process; `around` may be changed between tests. */
export type IngestWorker = { around: AroundStep; stop(): Promise<void> };

/** Runs the ingestion's workflow and steps against real servers; the embedding model is whatever the rows say. */
export async function startIngestWorker(database: Database, temporal: TestTemporal): Promise<IngestWorker> {
  const { modelDirectory, cache } = testServers();
  const providers = guardBudgets(createProviders({ modelDirectory }), database);
  const parsers = testParsers();
  const deps = {
    database,
    embeddingModel: (model: StoredEmbeddingModel) => providers.embeddingModel({ ...model, apiKey: 'test' }),
    parsers,
    openSealed: (sealed: string) => sealed.slice('sealed:'.length),
    notifyDocument: () => {},
    readDiskRoom: async () => null,
  };
  const steps: IngestionSteps = { ...createIngestionActivities(deps), ...createModelActivities(deps) };
  const self: IngestWorker = { around: (_, run) => run(), stop };
  const activities = Object.fromEntries(
    Object.entries(steps).map(([name, step]) => [
      name,
      (...args: unknown[]) =>
        self.around(name as StepName, () => (step as (...all: unknown[]) => Promise<unknown>)(...args), args),
    ]),
  );
  const connection = await NativeConnection.connect({ address: temporal.address });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: taskQueues.ingest,
    workflowBundle: { codePath: await workflowBundle(cache) },
    activities,
    maxHeartbeatThrottleInterval: '400 milliseconds',
    defaultHeartbeatThrottleInterval: '400 milliseconds',
    shutdownForceTime: '20 seconds',
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  async function stop(): Promise<void> {
    worker.shutdown();
    await running;
    await connection.close();
    await parsers.close();
    await providers.close();
  }
  return self;
}
