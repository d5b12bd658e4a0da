import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import proto from '@temporalio/proto';
import { Worker, type ReplayWorkerOptions } from '@temporalio/worker';
import { workflowTypes } from '../../contracts/names/workflows.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { testServers } from '../support/servers/test-servers.ts';

// Recorded from real runs by record-histories.ts. Histories are added, never edited: production still has such runs.
const folder = path.join(import.meta.dirname, 'recorded');

type Json = Record<string, unknown>;
type Recorded = { file: string; json: Json };

const recorded = async (): Promise<Recorded[]> =>
  Promise.all(
    (await readdir(folder))
      .filter((file) => file.endsWith('.json'))
      .sort()
      .map(async (file) => ({ file, json: JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Json })),
  );

const toHistory = ({ file, json }: Recorded) => ({
  workflowId: file,
  history: proto.temporal.api.history.v1.History.fromObject(json),
});

async function replay(histories: readonly Recorded[], options: Partial<ReplayWorkerOptions>): Promise<Record<string, string>> {
  const codePath = await workflowBundle(testServers().cache);
  const outcomes: Record<string, string> = {};
  const replayed = Worker.runReplayHistories(
    { workflowBundle: { codePath }, ...options },
    histories.map(toHistory),
  );
  for await (const { workflowId, error } of replayed) outcomes[workflowId] = error ? error.message : 'replayed';
  return outcomes;
}

const allReplayed = (histories: readonly Recorded[]) => Object.fromEntries(histories.map(({ file }) => [file, 'replayed']));

/** Every object in a value. */
function* objectsIn(value: unknown): Generator<Json> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield value as Json;
  for (const part of Object.values(value)) yield* objectsIn(part);
}

/** Every text in a value. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) yield* textsIn(part);
}

function jsonOf({ metadata, data }: Json): unknown {
  const decode = (value: unknown) => Buffer.from(String(value), 'base64').toString();
  return decode((metadata as Json | undefined)?.['encoding']) === 'json/plain' ? JSON.parse(decode(data)) : null;
}

test('every workflow has a recorded history', async () => {
  const histories = await recorded();
  const types = new Set(
    histories.map(
      (one) => toHistory(one).history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name,
    ),
  );
  // A workflow that is added brings its history with it.
  expect(types).toEqual(new Set(Object.values(workflowTypes)));
});

test('some recorded conversations were asked under a trace, and some were not', async () => {
  const histories = (await recorded()).filter(({ file }) => file.includes('conversation'));
  const isTraced = ({ json }: Recorded) => JSON.stringify(json).includes('"_tracer-data"');
  expect(new Set(histories.map(isTraced))).toEqual(new Set([true, false]));
});

// The interceptors are in the bundle, so each history is replayed under them, whether it has their header or not. A worker
// with telemetry exports spans through a sink, one without has none.
test.each([
  ['with', { sinks: { trace: { span: { fn: () => {}, callDuringReplay: true } } } }],
  ['without', {}],
])('every recorded history replays with the workflows as they are now, %s telemetry', async (_case, options) => {
  const histories = await recorded();
  expect(await replay(histories, options)).toEqual(allReplayed(histories));
});

test('R33: what a conversation hands over in its histories are ids, numbers and single words', async () => {
  const histories = (await recorded()).filter(({ file }) => file.includes('conversation'));
  expect(histories.length).toBeGreaterThan(6);
  for (const { file, json } of histories)
    for (const part of objectsIn(json))
      for (const key of ['input', 'result', 'args', 'details'])
        for (const payload of (part[key] as { payloads?: Json[] } | undefined)?.payloads ?? [])
          for (const text of textsIn(jsonOf(payload)))
            expect({ file, text }).toEqual({ file, text: expect.stringMatching(/^[\w-]{0,40}$/) });
});
