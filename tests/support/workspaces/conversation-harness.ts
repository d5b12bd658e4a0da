import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { ToolResolver } from '../../../activities/conversation/conversation-deps.ts';
import { query } from '../../../entities/sql.ts';
import { uuidV7 } from '../../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { startEffectService, type EffectService } from '../effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../fake-provider/start-fake-provider.ts';
import { testDatabase } from '../servers/test-database.ts';
import { testTemporal } from '../servers/test-temporal.ts';
import { startConversationWorker, type ConversationWorker } from './conversation-worker.ts';
import { createConversation, createWorkspace, type TestWorkspace } from './create-workspace.ts';
import { turnClient } from './turn-client.ts';

type WorkerOptions = Parameters<typeof startConversationWorker>[2];

/** What a conversation of a test is made with, in a workspace of its own. */
type Settings = {
  /** As the fake provider reads it. */
  model?: string;
  capabilities?: Record<string, unknown>;
  /** Names of further models to which the agent falls back, with capabilities of their own. */
  fallbacks?: Record<string, Record<string, unknown>>;
  /** Assignments to columns of the agent. */
  agent?: string;
};

/**
 * A database, a worker of the chat queue, a fake provider and the service that tools change. Call at the top of a test file;
 * its fields are set before the tests run.
 */
export function conversationHarness({
  pool = 16,
  tools,
  worker,
}: { pool?: number; tools?: (service: EffectService) => ToolResolver; worker?: WorkerOptions } = {}) {
  const rows = testDatabase();
  const temporal = testTemporal();
  let connection: Connection;
  const self = {
    temporal,
    databaseUrl: rows.url,
    database: undefined as unknown as Database,
    provider: undefined as unknown as FakeProvider,
    service: undefined as unknown as EffectService,
    client: undefined as unknown as Client,
    /** Replaced by tests that stop one and start the next. */
    worker: undefined as unknown as ConversationWorker,
    startWorker: (): Promise<ConversationWorker> =>
      startConversationWorker(self.database, temporal, { ...worker, ...(tools && { tools: tools(self.service) }) }),
    async workspace(settings: Settings = {}): Promise<TestWorkspace> {
      const { model = 'fake?tokens=5', capabilities, fallbacks = {}, agent } = settings;
      const workspace = await createWorkspace(self.database, { endpoint: self.provider.url, model });
      const { workspaceId, modelId, agentId } = workspace;
      await self.database.asOperator(async (em) => {
        if (capabilities)
          await query(em, `update models set capabilities = $2 where id = $1`, [modelId, JSON.stringify(capabilities)]);
        const ids: string[] = [];
        for (const [name, capable] of Object.entries(fallbacks)) {
          ids.push(uuidV7());
          await query(
            em,
            `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, capabilities, pricing)
             values ($1, $2, $3, 'chat', 'openai', $3, $4, $5,
                     '{"input_per_million": "10", "output_per_million": "20", "currency": "EUR"}')`,
            [ids.at(-1), workspaceId, name, self.provider.url, JSON.stringify(capable)],
          );
        }
        await query(em, `update agents set fallback_models = $2 where id = $1`, [agentId, JSON.stringify(ids)]);
        if (agent) await query(em, `update agents set ${agent} where id = $1`, [agentId]);
      });
      return workspace;
    },
    /** A conversation of the workspace's user, or of a new workspace with these settings. */
    async open(of: Settings | TestWorkspace = {}) {
      const workspace = 'workspaceId' in of ? of : await self.workspace(of);
      const conversationId = await createConversation(self.database, workspace);
      return {
        ...turnClient(self.database, self.client, workspace, conversationId),
        workspace,
        conversationId,
        /** Runs a statement in the workspace. */
        query: <Row = Record<string, unknown>>(text: string, parameters: unknown[] = []): Promise<Row[]> =>
          self.database.inWorkspace(workspace.workspaceId, (em) => query<Row>(em, text, parameters)),
      };
    },
  };

  beforeAll(async () => {
    self.database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: pool }, 'test');
    self.provider = await startFakeProvider();
    if (tools) self.service = await startEffectService();
    connection = await Connection.connect({ address: temporal.address });
    self.client = new Client({ connection, namespace: temporal.namespace });
    self.worker = await self.startWorker();
  });
  afterEach(() => {
    self.provider.control({ reset: true });
    self.service?.delayAnswers(0);
  });
  afterAll(async () => {
    await self.worker?.stop();
    await connection?.close();
    await self.provider?.stop();
    await self.service?.stop();
    await self.database?.close();
  });
  return self;
}
