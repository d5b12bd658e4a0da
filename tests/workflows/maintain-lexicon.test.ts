import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createSweepGrownModels } from '../../activities/embedding-models/sweep-models.ts';
import { createFoldTermStatistics } from '../../activities/upkeep/fold-term-statistics.ts';
import { createIndexGenerations } from '../../activities/upkeep/index-generations.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { LexicalLibrary } from '../entities/search/lexical-library.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { until } from '../support/until.ts';

const { url } = testDatabase();
const temporal = testTemporal();
let database: Database;
let stop: () => Promise<void>;
let failures = 1;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 6 }, 'maintain-lexicon-test');
  const connection = await NativeConnection.connect({ address: temporal.address });
  const indexGenerations = createIndexGenerations({ database });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: taskQueues.maintain,
    workflowBundle: { codePath: await workflowBundle(testServers().cache) },
    activities: {
      foldTermStatistics: createFoldTermStatistics({ database }),
      async indexGenerations() {
        failures -= 1;
        if (failures >= 0) throw new Error('The database went away');
        return indexGenerations();
      },
      sweepGrownModels: createSweepGrownModels({
        database,
        startMove: async () => {},
        startIndexing: async () => {},
      }),
    },
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
    await connection.close();
  };
}, 120_000);

afterAll(async () => {
  await stop();
  await database.close();
});

test('a run indexes what is not indexed and folds what that added, and a look that fails is repeated', async () => {
  const library = await new LexicalLibrary(database).create();
  await library.add([{ chunks: ['The lighthouse keeps its lamp.'] }, { chunks: ['Ships look for the lighthouse.'] }]);
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const run = await client.workflow.start(workflowTypes.maintainLexicon, {
    workflowId: workflowIds.maintainLexicon,
    taskQueue: taskQueues.maintain,
  });
  const folded = () =>
    database.asOperator(async (em) => {
      const [row] = await query<{ documents: number }>(
        em,
        `select coalesce(sum(documents), 0)::int as documents from lexical_collections where workspace_id = $1`,
        [library.workspaceId],
      );
      return row!.documents === 2;
    });
  await until(folded, { what: 'the statistics to be folded', timeoutMs: 50_000 });
  expect(failures).toBeLessThan(0);
  expect((await library.search('lighthouses')).length).toBe(2);
  await run.terminate();
  await connection.close();
}, 120_000);
