import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { GracefulShutdownPeriodExpiredError, NativeConnection, Worker } from '@temporalio/worker';
import { v7 } from 'uuid';
import { createIngestionActivities } from '../../../activities/ingestion/create-ingestion-activities.ts';
import { createSyncActivities } from '../../../activities/sync/create-sync-activities.ts';
import { createSweepSyncs } from '../../../activities/sync/sweep-syncs.ts';
import { taskQueues } from '../../../contracts/names/task-queues.ts';
import type { SyncSourceInput } from '../../../contracts/names/workflows.ts';
import { inspectDocument } from '../../../providers/parsers/detection/inspect-document.ts';
import { requestSync } from '../../../entities/sources/source-sync-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { seal } from '../../../platform/seal.ts';
import { createSourceSchedules } from '../../../platform/source-schedules.ts';
import { createSourceOpener } from '../../../platform/source-opener.ts';
import { createWorkStarter, type WorkStarter } from '../../../platform/work-starter.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { createProviders } from '../../../providers/registry.ts';
import { startFakeProvider, type FakeProvider } from '../fake-provider/start-fake-provider.ts';
import { testDatabase } from '../servers/test-database.ts';
import { testParsers } from './test-parsers.ts';
import { testServers } from '../servers/test-servers.ts';
import { testTemporal, type TestTemporal } from '../servers/test-temporal.ts';
import { until } from '../until.ts';
import { createIngestWorkspace, type IngestWorkspace } from './ingest-workspace.ts';

/** Runs in place of a step of a sync or an ingestion; `run` is the step itself. */
export type AroundStep = <T>(name: string, run: () => Promise<T>) => Promise<T>;

/** Rows of one sync, as tests look at them. */
export type SyncRow = {
  state: string;
  error: { code: string; detail: string } | null;
  is_listed: boolean;
  listed_items: number;
  unchanged_items: number;
  accepted_items: number;
  failed_items: number;
  removed_documents: number;
  job_id: string;
};

/**
 * Servers, a worker with all steps of syncs and ingestions, a fake provider and, for each test, a workspace of its own.
 * Call at the top of a test file; sources may fetch from loopback and read below `folders`.
 */
export function syncHarness(folders: string[], temporal: TestTemporal = testTemporal()) {
  const rows = testDatabase();
  const secretKey = randomBytes(32).toString('base64');
  let connection: Connection;
  const self = {
    temporal,
    database: undefined as unknown as Database,
    databaseUrl: rows.url,
    provider: undefined as unknown as FakeProvider,
    client: undefined as unknown as Client,
    starter: undefined as unknown as WorkStarter,
    workspace: undefined as unknown as IngestWorkspace,
    worker: undefined as unknown as SyncWorker,
    around: ((_, run) => run()) as AroundStep,
    /** Starts another worker on the same queue. */
    startWorker: () => startSyncWorker(self.database, temporal, self, createSourceOpener(settings())),
    /** Makes a source of the workspace. */
    async source(type: string, configuration: Record<string, unknown>, connectionString?: string): Promise<string> {
      const id = v7();
      await self.workspace.query(
        `insert into knowledge_sources (id, workspace_id, name, type, configuration, connection_string)
         values ($1, $2, $3, $4, $5, $6)`,
        [
          id,
          self.workspace.workspaceId,
          `source ${id}`,
          type,
          JSON.stringify(configuration),
          connectionString === undefined ? null : seal(secretKey, connectionString),
        ],
      );
      return id;
    },
    /** Requests a sync as the API does, and starts it. */
    async startSync(knowledgeSourceId: string, allowRemovals = false): Promise<SyncSourceInput> {
      const { workspaceId } = self.workspace;
      const input: SyncSourceInput = { workspaceId, knowledgeSourceId, syncId: v7(), kind: 'full' };
      const request = { ...input, jobId: v7(), trigger: 'request' as const, allowRemovals };
      const requested = await self.database.inWorkspace(workspaceId, (em) => requestSync(em, request));
      if (requested.outcome !== 'started') throw new Error(`The sync was not started: ${requested.outcome}`);
      await self.starter.startSync(input);
      return input;
    },
    async sync(knowledgeSourceId: string, allowRemovals = false): Promise<SyncRow> {
      const input = await self.startSync(knowledgeSourceId, allowRemovals);
      return self.ended(input);
    },
    /** Runs the sweep of syncs once. */
    async sweep(): Promise<void> {
      const applySchedule = createSourceSchedules(self.client).apply;
      await createSweepSyncs({ database: self.database, applySchedule, ...self.starter })();
    },
    async ended(input: SyncSourceInput, timeoutMs = 110_000): Promise<SyncRow> {
      const hasEnded = async () => {
        // As every five seconds in the product: it starts what met a run that was about to end. The next one makes good
        // what a lost connection cost this one.
        await self.sweep().catch((error: unknown) => {
          if ((error as { code?: unknown }).code !== 'unavailable') throw error;
        });
        return !['accepted', 'running'].includes((await self.row(input)).state);
      };
      await until(hasEnded, { what: 'the end of the sync', timeoutMs, everyMs: 200 });
      return self.row(input);
    },
    async row({ syncId }: SyncSourceInput): Promise<SyncRow> {
      const [row] = await self.workspace.query<SyncRow>(`select * from source_syncs where id = $1`, [syncId]);
      return row!;
    },
    /** Paths and states of the source's documents that are not deleted. */
    documents: (knowledgeSourceId: string) =>
      self.workspace.query<{
        id: string;
        path: string;
        title: string;
        status: string;
        generation: number;
        text: string;
      }>(
        `select d.id, d.source_path as path, d.title, d.status, d.latest_generation as generation, g.content as text
         from documents d
         left join document_generations g on g.document_id = d.id and g.generation = d.active_generation
         where d.knowledge_source_id = $1 and d.deleted_at is null order by d.source_path`,
        [knowledgeSourceId],
      ),
  };
  const settings = () => ({
    PERDURE_FETCH_ALLOW: ['127.0.0.1'],
    PERDURE_SOURCE_FOLDERS: folders,
    PERDURE_SECRET_KEY: secretKey,
  });

  beforeAll(async () => {
    self.database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 20 }, 'test');
    self.provider = await startFakeProvider();
    connection = await Connection.connect({ address: temporal.address });
    self.client = new Client({ connection, namespace: temporal.namespace });
    self.starter = createWorkStarter(self.client);
    self.worker = await self.startWorker();
  });
  beforeEach(async () => {
    self.workspace = await createIngestWorkspace(self.database, {
      provider: 'openai',
      endpoint: self.provider.url,
      maxBatch: 8,
    });
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

/** Workers of the queues for ingestion and syncs in this process. */
export type SyncWorker = { stop(): Promise<void> };

async function startSyncWorker(
  database: Database,
  temporal: TestTemporal,
  harness: { around: AroundStep; starter: WorkStarter },
  open: ReturnType<typeof createSourceOpener>,
): Promise<SyncWorker> {
  const { modelDirectory, cache } = testServers();
  const providers = createProviders({ modelDirectory });
  const parsers = testParsers();
  const notifyDocument = () => {};
  const steps = {
    ...createIngestionActivities({
      database,
      embeddingModel: (model) => providers.embeddingModel({ ...model, apiKey: 'test' }),
      parsers,
      openSealed: (sealed) => sealed.slice('sealed:'.length),
      notifyDocument,
    }),
    ...createSyncActivities({ ...harness.starter, database, openSource: open, inspectDocument, notifyDocument }),
  };
  const activities = Object.fromEntries(
    Object.entries(steps).map(([name, step]) => [
      name,
      (...args: unknown[]) => harness.around(name, () => (step as (...all: unknown[]) => Promise<unknown>)(...args)),
    ]),
  );
  const connection = await NativeConnection.connect({ address: temporal.address });
  const codePath = await workflowBundle(cache);
  const workers = await Promise.all(
    [taskQueues.ingest, taskQueues.sync].map((taskQueue) =>
      Worker.create({
        connection,
        namespace: temporal.namespace,
        taskQueue,
        workflowBundle: { codePath },
        activities,
        // As the product has them.
        maxConcurrentActivityTaskExecutions: taskQueue === taskQueues.ingest ? 6 : 16,
        maxHeartbeatThrottleInterval: '400 milliseconds',
        defaultHeartbeatThrottleInterval: '400 milliseconds',
        stickyQueueScheduleToStartTimeout: '2 seconds',
        shutdownForceTime: '30 seconds',
        sinks: { trace: { span: { fn: () => {} } } },
      }),
    ),
  );
  // Steps that do not end in time are cut off, as a process manager would do it.
  const running = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      if (!(error instanceof GracefulShutdownPeriodExpiredError)) throw error;
    }),
  );
  return {
    async stop() {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.all(running);
      await connection.close();
      await parsers.close();
      await providers.close();
    },
  };
}
