import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { trace } from '@opentelemetry/api';
import { ApplicationFailure } from '@temporalio/common';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import type { WorkflowBundle } from '@temporalio/worker';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/log.ts';
import { startTelemetry } from '../../platform/telemetry/start-telemetry.ts';
import type { Telemetry } from '../../platform/telemetry/start-telemetry.ts';
import { installTemporalRuntime } from '../../platform/telemetry/temporal-runtime.ts';
import { workflowInterceptorModules } from '../../platform/telemetry/workflow-interceptor-modules.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { pathTo, startOtlpReceiver } from './otlp-receiver.ts';
import type { entity } from './trace-workflows.ts';
import { finish, submit } from './trace-workflows.ts';

const secret = 'the body of a provider, quoting the document';
const temporal = testTemporal();
const logged: string[] = [];
let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
let telemetry: Telemetry;
let bundle: WorkflowBundle;
let connection: Connection;
let native: NativeConnection;
let client: Client;

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  const config = loadConfig({
    DATABASE_URL: 'postgres://localhost/unused',
    PERDURE_SECRET_KEY: 'A'.repeat(43),
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });
  telemetry = await startTelemetry({ serviceName: 'perdure-test', config });
  const logger = createLogger({ name: 'test', level: 'debug' }, { write: (line: string) => void logged.push(line) });
  await installTemporalRuntime({ logger, metrics: telemetry.metrics });
  bundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('trace-workflows.ts', import.meta.url)),
    workflowInterceptorModules,
  });
  connection = await Connection.connect({ address: temporal.address });
  native = await NativeConnection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace, plugins: telemetry.clientPlugins });
}, 120_000);

afterAll(async () => {
  await telemetry.shutdown();
  await receiver.close();
  await connection.close();
  await native.close();
});

describe('the trace of an entity workflow', () => {
  test('keeps every turn in the trace of its own request, through two workers, one of which exports nothing', async () => {
    const workflowId = `entity/${randomUUID()}`;
    const first = await request(workflowId, 'first', telemetry.workerPlugins);
    // The second worker replays what the first one did: it must come to the same commands without exporting.
    const silent = await startTelemetry({ serviceName: 'silent', config: loadConfig(unexported()) });
    await request(workflowId, 'second', silent.workerPlugins);
    const third = await request(workflowId, 'fails', telemetry.workerPlugins, true);
    await receiver.until((spans) => spans.some((span) => span.name === 'RunWorkflow:entity'));

    const activities = receiver.spans.filter((span) => span.name === 'RunActivity:step');
    expect(activities.map((span) => span.traceId)).toEqual([first, third]);
    for (const [index, name] of ['request first', 'request fails'].entries()) {
      expect(pathTo(receiver.spans, activities[index]!)).toEqual([
        name,
        'UpdateWithStartWorkflow:submit',
        'HandleUpdate:submit',
        'turn',
        'StartActivity:step',
        'RunActivity:step',
      ]);
    }
    const run = receiver.spans.filter((span) => span.name === 'RunWorkflow:entity');
    expect(run.map((span) => span.traceId)).toEqual([first]);
    expect(run[0]?.attributes).toEqual({
      temporalWorkflowType: 'entity',
      temporalWorkflowId: workflowId,
      run_id: expect.any(String),
    });
  }, 120_000);

  test('shows the code of a failure and never its message, memo or search attributes', async () => {
    const failed = receiver.spans.filter((span) => span.status.code === 2);
    expect(failed.map((span) => span.name).toSorted()).toEqual(['RunActivity:step', 'StartActivity:step', 'turn']);
    for (const span of failed) {
      expect(span.status.message).toBe('provider_unavailable');
      expect(span.attributes['error.type']).toBe('provider_unavailable');
    }
    const everything = receiver.bodies.join('\n');
    for (const hidden of [secret, 'a-memo', 'memo', 'earchAttributes', 'a-conversation']) {
      expect(everything).not.toContain(hidden);
    }
  });
});

test("the SDK's messages are lines of our log, and its metrics part of ours", async () => {
  const lines = logged.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      activityType: 'step',
      error: expect.objectContaining({ code: 'provider_unavailable' }),
    }),
  );
  expect(logged.join('')).not.toMatch(/a-memo|a-conversation|taskToken/);
  const metrics = await telemetry.metrics.render();
  expect(metrics).toMatch(/temporal_workflow_completed\{[^}]*workflow_type="entity"[^}]*\} 1/);
  expect(metrics).toContain('service_name="perdure-test"');
});

/** One request as the API makes it, served by a worker of its own; gives the id of its trace. */
async function request(workflowId: string, name: string, plugins: Telemetry['workerPlugins'], last = false) {
  const worker = await Worker.create({
    connection: native,
    namespace: temporal.namespace,
    taskQueue: 'traced',
    workflowBundle: bundle,
    stickyQueueScheduleToStartTimeout: '1 second',
    plugins,
    activities: {
      step: async (step: string) => {
        if (step !== 'fails') return step;
        throw ApplicationFailure.create({ type: 'provider_unavailable', message: secret, cause: new Error(secret) });
      },
    },
  });
  return await worker.runUntil(
    trace.getTracer('test').startActiveSpan(`request ${name}`, async (span) => {
      await client.workflow.executeUpdateWithStart(submit, {
        args: [name],
        startWorkflowOperation: new WithStartWorkflowOperation<typeof entity>('entity', {
          workflowId,
          taskQueue: 'traced',
          workflowIdConflictPolicy: 'USE_EXISTING',
          memo: { note: 'a-memo' },
          searchAttributes: { PerdureConversation: ['a-conversation'] },
          args: [],
        }),
      });
      span.end();
      const handle = client.workflow.getHandle(workflowId);
      if (last) {
        await trace.getTracer('test').startActiveSpan('finish', async (end) => {
          await handle.signal(finish);
          end.end();
        });
        await handle.result();
      } else await waitForActivities(handle);
      return span.spanContext().traceId;
    }),
  );
}

async function waitForActivities(handle: ReturnType<Client['workflow']['getHandle']>): Promise<void> {
  for (;;) {
    const { events } = await handle.fetchHistory();
    const done = events?.filter((event) => event.activityTaskCompletedEventAttributes).length ?? 0;
    const asked = events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes).length ?? 0;
    if (asked > 0 && done === asked) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function unexported(): Record<string, string> {
  return { DATABASE_URL: 'postgres://localhost/unused', PERDURE_SECRET_KEY: 'A'.repeat(43) };
}
