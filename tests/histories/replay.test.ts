import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import { Worker } from '@temporalio/worker';
import { workflowTypes } from '../../contracts/names/workflows.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { testServers } from '../support/servers/test-servers.ts';

// Recorded from real runs by record-histories.ts. Histories are added, never edited: production still has such runs.
const folder = path.join(import.meta.dirname, 'recorded');

test('every recorded history replays with the workflows as they are now', async () => {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort();
  const histories = await Promise.all(
    files.map(async (file) => ({
      workflowId: file,
      history: proto.temporal.api.history.v1.History.fromObject(
        JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Record<string, unknown>,
      ),
    })),
  );
  const types = new Set(
    histories.map(({ history }) => history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name),
  );
  // A workflow that is added brings its history with it.
  expect(types).toEqual(new Set(Object.values(workflowTypes)));

  const codePath = await workflowBundle(testServers().cache);
  const outcomes: Record<string, string> = {};
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath }, sinks: { trace: { span: { fn: () => {} } } } },
    histories,
  );
  for await (const { workflowId, error } of replayed) outcomes[workflowId] = error ? error.message : 'replayed';
  expect(outcomes).toEqual(Object.fromEntries(files.map((file) => [file, 'replayed'])));
});
