import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseEvents } from '../../cli/event-stream.ts';
import { findApiKey } from '../../cli/find-stack.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { startStack } from '../../scripts/supervisor/start-stack.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { until } from '../support/until.ts';
import { pathTo, startOtlpReceiver } from './otlp-receiver.ts';
import type { ReceivedSpan } from './otlp-receiver.ts';

// Words that stand nowhere but in content: whatever of them a span shows is a leak.
const title = 'Kumquat charter';
const text = `# ${title}\n\nThe zanzibar clause says that quetzals are counted on Tuesdays by the head gardener.\n`;
const question = 'Who counts the quetzals under the zanzibar clause?';
const answer = 'The head gardener does, on Tuesdays [1].';
const providerBody = 'xylophone detail that only a provider would print';

let receiver: Awaited<ReturnType<typeof startOtlpReceiver>>;
let provider: Awaited<ReturnType<typeof startFakeProvider>>;
let stack: Stack;
let conversation: string;

// Before the hook that removes the stack's home: hooks run in the order of their making.
afterAll(async () => {
  await stack?.stop();
  await Promise.all([receiver?.close(), provider?.stop()]);
}, 120_000);

const options = isolatedStackOptions(26_000);

beforeAll(async () => {
  [receiver, provider] = await Promise.all([startOtlpReceiver(), startFakeProvider()]);
  provider.control({ default: { answer } });
  const { processes: _all, ...rest } = options;
  const lines: string[] = [];
  stack = await startStack({
    ...rest,
    onOutput: (name, line) => lines.push(`${name} ${line}`),
    signal: AbortSignal.timeout(90_000),
    env: {
      ...options.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
      OPENAI_API_KEY: 'sk-trace-test-key',
      OPENAI_BASE_URL: provider.url,
      PERDURE_CHAT_MODEL: 'fake-chat',
    },
  }).catch((error: unknown) => {
    throw new Error(`The stack did not start:\n${lines.slice(-20).join('\n')}`, { cause: error });
  });
}, 120_000);

describe('the trace of the product', () => {
  test('of an ingest runs from the request through the workflow to statements and the embedding', async () => {
    const traceId = 'a'.repeat(32);
    const { document } = await post<{ document: { id: string } }>('/documents', { title, text }, traceId);
    await until(async () => (await get<{ status: string }>(`/documents/${document.id}`)).status === 'ready', {
      what: 'the document',
    });
    await receiver.until((spans) => named(spans, traceId, 'RunWorkflow:ingestDocument').length === 1);
    const spans = receiver.spans.filter((span) => span.traceId === traceId);
    const step = (name: string): string[] => [
      'POST /documents',
      'StartWorkflow:ingestDocument',
      'RunWorkflow:ingestDocument',
      `StartActivity:${name}`,
      `RunActivity:${name}`,
    ];
    expect(pathTo(spans, only(spans, 'embeddings all-MiniLM-L6-v2'))).toEqual([
      ...step('embedChunks'),
      'embeddings all-MiniLM-L6-v2',
    ]);
    expect(pathTo(spans, only(spans, 'INSERT chunk_embeddings'))).toEqual([
      ...step('embedChunks'),
      'INSERT chunk_embeddings',
    ]);
    expect(pathTo(spans, only(spans, 'RunActivity:publishGeneration'))).toEqual(step('publishGeneration'));
    expect(only(spans, 'POST /documents')).toMatchObject({
      service: 'perdure-api',
      kind: 2,
      parentSpanId: 'b'.repeat(16),
      attributes: { 'http.route': '/documents', 'http.response.status_code': 202 },
    });
    expect(only(spans, 'RunWorkflow:ingestDocument')).toMatchObject({
      service: 'perdure-worker',
      attributes: { temporalWorkflowId: `ingest/${document.id}/1` },
    });
  }, 120_000);

  test('of a turn runs from its own request to the provider, also for a later turn of the same conversation', async () => {
    conversation = (await post<{ id: string }>('/conversations', {})).id;
    for (const traceId of ['c'.repeat(32), 'd'.repeat(32)]) {
      expect(await ask(traceId)).toBe('done');
      const request = 'POST /conversations/:id/messages';
      const update = 'UpdateWithStartWorkflow:submitTurn';
      const turn = [request, update, 'HandleUpdate:submitTurn', 'turn'];
      const step = [...turn, 'StartActivity:generateAnswer', 'RunActivity:generateAnswer'];
      // The step takes over what was begun before the workflow has heard of the turn, or does it where it was quicker.
      const ofTrace = () => receiver.spans.filter((span) => span.traceId === traceId);
      const answered = (): ReceivedSpan[] =>
        [[request, 'answer early'], step]
          .map((path) => ofTrace().filter((span) => isUnder(path, pathTo(ofTrace(), span))))
          .find((spans) => named(spans, traceId, 'chat fake-chat').length > 0) ?? [];
      // The update may end after the answer, and each process sends its spans when it likes.
      for (const name of [request, update, 'turn', 'RunActivity:generateAnswer'])
        await receiver.until((spans) => named(spans, traceId, name).length === 1);
      await receiver.until(() => answered().some(({ name }) => name === 'INSERT citations'));
      expect(pathTo(ofTrace(), only(ofTrace(), 'RunActivity:generateAnswer'))).toEqual(step);
      // The first answer is followed by a title, which is made in a call of its own.
      for (const name of [
        'chat fake-chat',
        'embeddings all-MiniLM-L6-v2',
        'SELECT hybrid_search',
        'INSERT citations',
      ]) {
        only(answered(), name);
      }
      expect(only(answered(), 'chat fake-chat')).toMatchObject({
        kind: 3,
        attributes: {
          'gen_ai.provider.name': 'openai',
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'fake-chat',
          'gen_ai.response.finish_reasons': ['stop'],
          'gen_ai.usage.input_tokens': expect.any(Number),
          'gen_ai.usage.output_tokens': expect.any(Number),
        },
      });
    }
  }, 120_000);

  test('of a turn that fails shows the code, and nothing of what the provider said', async () => {
    provider.control({ script: [{ on: 'chat', failure: { kind: 'status', status: 400, message: providerBody } }] });
    const traceId = 'e'.repeat(32);
    expect(await ask(traceId)).toBe('error');
    await receiver.until((spans) => named(spans, traceId, 'RunActivity:generateAnswer').length === 1);
    expect(only(named(receiver.spans, traceId, 'chat fake-chat'), 'chat fake-chat').status).toEqual({
      code: 2,
      message: 'invalid_request',
    });
    expect(named(receiver.spans, traceId, 'RunActivity:generateAnswer')[0]?.status).toEqual({
      code: 2,
      message: 'provider_invalid_request',
    });
  }, 120_000);

  test('shows no content, no secret, no memo and no search attribute', () => {
    expect(receiver.spans.length).toBeGreaterThan(100);
    const everything = receiver.bodies.join('\n');
    const hidden = [
      ...['zanzibar', 'quetzals', 'gardener', 'Kumquat', providerBody],
      ...['sk-trace-test-key', findApiKey({}, options.home) ?? 'no key', 'Bearer'],
      ...['earchAttributes', 'PerdureWorkspace', 'PerdureConversation', 'PerdureDocument', 'PerdureStatus'],
    ];
    expect(hidden.filter((word) => everything.includes(word))).toEqual([]);
    // Memories have spans, memos have not.
    expect(everything).not.toMatch(/memo(?!r)/i);
  });

  test("is joined by metrics: the API's, the worker's and Temporal's at one address", async () => {
    const response = await fetch(`${stack.urls.api}/metrics`, { headers: authorization() });
    const metrics = await response.text();
    const lines = metrics.split('\n');
    const has = (...parts: string[]): boolean => lines.some((line) => parts.every((part) => line.includes(part)));
    const worker = 'service_name="perdure-worker"';
    expect(has('perdure_turns_total', 'outcome="done"', worker, '} 2')).toBe(true);
    expect(has('perdure_turns_total', 'outcome="error"', worker, '} 1')).toBe(true);
    expect(has('perdure_turn_first_token_seconds_count', worker)).toBe(true);
    expect(has('perdure_provider_call_duration_seconds_count', 'operation="chat"', 'outcome="ok"', worker)).toBe(true);
    expect(has('perdure_provider_call_duration_seconds_count', 'outcome="invalid_request"', worker)).toBe(true);
    expect(has('perdure_http_request_duration_seconds_count', 'route="/documents"', 'status="202"')).toBe(true);
    expect(has('perdure_documents_total', 'outcome="active"', worker, '} 1')).toBe(true);
    expect(has('perdure_chunks_embedded_total', worker, '} 1')).toBe(true);
    expect(has('perdure_database_connections', 'pool="app"', 'state="open"', worker)).toBe(true);
    expect(has('perdure_database_connections', 'pool="app"', 'service_name="perdure-api"')).toBe(true);
    expect(has('temporal_workflow_completed', 'workflow_type="ingestDocument"')).toBe(true);
    expect(has('temporal_activity_execution_latency', 'activity_type="generateAnswer"')).toBe(true);
    // One TYPE a metric, or a scraper refuses the whole page.
    const types = lines.filter((line) => line.startsWith('# TYPE')).map((line) => line.split(' ')[2]);
    expect(new Set(types).size).toBe(types.length);
  });

  test('shows prompt and answer once an operator opted in', async () => {
    stack.env.PERDURE_CAPTURE_CONTENT = 'true';
    await stack.processes.worker?.restart();
    const traceId = 'f'.repeat(32);
    expect(await ask(traceId)).toBe('done');
    await receiver.until((spans) => named(spans, traceId, 'chat fake-chat').length === 1);
    const { attributes } = only(named(receiver.spans, traceId, 'chat fake-chat'), 'chat fake-chat');
    expect(attributes['gen_ai.input.messages']).toContain('zanzibar');
    expect(attributes['gen_ai.output.messages']).toContain('head gardener');
  }, 120_000);
});

function authorization(): Record<string, string> {
  return { authorization: `Bearer ${findApiKey({}, options.home)}` };
}

async function post<Body>(address: string, body: unknown, traceId?: string): Promise<Body> {
  const traceparent = traceId === undefined ? {} : { traceparent: `00-${traceId}-${'b'.repeat(16)}-01` };
  const response = await fetch(`${stack.urls.api}${address}`, {
    method: 'POST',
    headers: { ...authorization(), ...traceparent, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBeLessThan(300);
  return (await response.json()) as Body;
}

async function get<Body>(address: string): Promise<Body> {
  const response = await fetch(`${stack.urls.api}${address}`, { headers: authorization() });
  return (await response.json()) as Body;
}

/** Asks in the conversation; gives the kind of the turn's last event. */
async function ask(traceId: string): Promise<string | undefined> {
  const { turn } = await post<{ turn: { id: string } }>(
    `/conversations/${conversation}/messages`,
    { content: question },
    traceId,
  );
  const response = await fetch(`${stack.urls.api}/turns/${turn.id}/events`, { headers: authorization() });
  let last: string | undefined;
  for await (const { event } of parseEvents(response.body as ReadableStream<Uint8Array>)) last = event;
  return last;
}

function named(spans: readonly ReceivedSpan[], traceId: string, name: string): ReceivedSpan[] {
  return spans.filter((span) => span.traceId === traceId && span.name === name);
}

/** Whether a path leads to something right under `parent`. */
function isUnder(parent: readonly string[], path: readonly string[]): boolean {
  return path.length === parent.length + 1 && parent.every((name, place) => path[place] === name);
}

/** The one span of that name; several with one parent count as one, such as statements in a loop. */
function only(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  expect([name, new Set(found.map((span) => span.parentSpanId)).size]).toEqual([name, 1]);
  return found[0] as ReceivedSpan;
}
