import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { ChatModel } from '../../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../../providers/embedding-model.ts';
import { ProviderError } from '../../../providers/provider-error.ts';
import { createProviders } from '../../../providers/registry.ts';
import type { Failure } from '../../support/fake-provider/behaviour.ts';
import { startFakeProvider } from '../../support/fake-provider/start-fake-provider.ts';
import type { FakeProvider } from '../../support/fake-provider/start-fake-provider.ts';
import { collect, conformanceRequest } from '../chat-model-conformance.ts';

const secret = 'sk-very-secret-key';
const stallTimeoutMs = 300;
const inOneMinute = new Date(Date.now() + 60_000).toUTCString();

interface Expected {
  readonly failure: Failure;
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number | null;
  /** Whether embeddings can fail so too. */
  readonly chatOnly?: boolean;
}

function answered(status: number, headers: Record<string, string> = {}, code?: string): Failure {
  const message = `The prompt "my private words" with key ${secret} was refused.`;
  return { kind: 'status', status, headers, message, ...(code === undefined ? {} : { code }) };
}

const cases: readonly Expected[] = [
  { failure: answered(408), code: 'timeout', retryable: true },
  { failure: answered(409), code: 'unavailable', retryable: true },
  { failure: answered(429), code: 'rate_limited', retryable: true, retryAfterMs: null },
  { failure: answered(429, { 'retry-after': '2' }), code: 'rate_limited', retryable: true, retryAfterMs: 2_000 },
  { failure: answered(429, { 'retry-after': '0.5' }), code: 'rate_limited', retryable: true, retryAfterMs: 500 },
  {
    failure: answered(429, { 'retry-after': '2', 'retry-after-ms': '150' }),
    code: 'rate_limited',
    retryable: true,
    retryAfterMs: 150,
  },
  { failure: answered(500), code: 'unavailable', retryable: true },
  { failure: answered(503, { 'retry-after': '7' }), code: 'unavailable', retryable: true, retryAfterMs: 7_000 },
  { failure: answered(500, { 'x-should-retry': 'false' }), code: 'unavailable', retryable: false },
  { failure: answered(400, { 'x-should-retry': 'true' }), code: 'invalid_request', retryable: true },
  { failure: answered(400), code: 'invalid_request', retryable: false },
  { failure: answered(422), code: 'invalid_request', retryable: false },
  { failure: answered(401), code: 'authentication', retryable: false },
  { failure: answered(403), code: 'authentication', retryable: false },
  { failure: answered(404), code: 'model_not_found', retryable: false },
  { failure: answered(400, {}, 'context_length_exceeded'), code: 'context_length', retryable: false },
  { failure: answered(400, {}, 'content_filter'), code: 'content_filter', retryable: false },
  { failure: answered(429, {}, 'insufficient_quota'), code: 'insufficient_quota', retryable: false },
  { failure: { kind: 'reset', afterTokens: 2 }, code: 'unavailable', retryable: true },
  { failure: { kind: 'stall', afterTokens: 2 }, code: 'timeout', retryable: true },
  { failure: { kind: 'garbage', afterTokens: 2 }, code: 'malformed_response', retryable: true },
  { failure: { kind: 'truncate', afterTokens: 2 }, code: 'unavailable', retryable: true, chatOnly: true },
  { failure: { kind: 'error-event', afterTokens: 2 }, code: 'unavailable', retryable: true, chatOnly: true },
];

describe('the OpenAI adapter, when the provider fails', () => {
  const providers = createProviders({ modelDirectory: 'unused', stallTimeoutMs });
  let fake: FakeProvider;
  beforeAll(async () => {
    fake = await startFakeProvider();
  });
  afterEach(() => fake.control({ reset: true }));
  afterAll(async () => {
    await providers.close();
    await fake.stop();
  });

  const chat = (endpoint = fake.url, capabilities: Record<string, unknown> = {}): ChatModel =>
    providers.chatModel({ provider: 'openai', modelId: 'fake', endpoint, apiKey: secret, capabilities });
  const embeddings = (capabilities: Record<string, unknown> = { dimensions: 384 }): EmbeddingModel =>
    providers.embeddingModel({ provider: 'openai', modelId: 'fake', endpoint: fake.url, apiKey: secret, capabilities });

  // A busy machine must not look like a silent provider where silence is not what is tested.
  const patience = ({ failure }: Expected) => ({
    firstByteTimeoutMs: 20_000,
    stallTimeoutMs: failure.kind === 'stall' ? stallTimeoutMs : 20_000,
  });
  const named = cases.map((entry) => ({ ...entry, name: JSON.stringify({ ...entry.failure, message: undefined }) }));

  test.each(named)('calls $name of a chat $code, asks once, and repeats nothing private', async (expected) => {
    fake.control({ script: [{ failure: expected.failure, times: 99 }] });
    const model = chat(fake.url, patience(expected));
    const error = await collect(model.stream(conformanceRequest)).catch((thrown: unknown) => thrown);
    expectFailure(error, expected);
    expect(fake.log()).toHaveLength(1);
  });

  test.each(named.filter(({ chatOnly }) => chatOnly !== true))(
    'calls $name of an embedding $code, asks once, and repeats nothing private',
    async (expected) => {
      fake.control({ script: [{ failure: expected.failure, times: 99 }] });
      const error = await embeddings({ dimensions: 384, ...patience(expected) })
        .embed(['text'])
        .catch((thrown: unknown) => thrown);
      expectFailure(error, expected);
      expect(fake.log()).toHaveLength(1);
    },
  );

  test('reads a date in retry-after', async () => {
    fake.control({ script: [{ failure: answered(429, { 'retry-after': inOneMinute }) }] });
    const error = await collect(chat().stream(conformanceRequest)).catch((thrown: unknown) => thrown);
    expect((error as ProviderError).retryAfterMs).toBeGreaterThan(30_000);
    expect((error as ProviderError).retryAfterMs).toBeLessThanOrEqual(60_000);
  });

  test('gives the deltas that came before the connection broke', async () => {
    fake.control({ script: [{ failure: { kind: 'reset', afterTokens: 3 } }] });
    let deltas = 0;
    const read = async (): Promise<void> => {
      for await (const event of chat().stream(conformanceRequest)) if (event.type === 'text') deltas += 1;
    };
    await expect(read()).rejects.toBeInstanceOf(ProviderError);
    expect(deltas).toBe(3);
  });

  test('waits for a slow answer as long as bytes keep coming', async () => {
    fake.control({ script: [{ tokens: 5, firstTokenMs: 200, tokenMs: 200 }] });
    await collect(chat().stream(conformanceRequest));
    expect(fake.log()).toMatchObject([{ outcome: 'finished', completionTokens: 5 }]);
  });

  test('waits for the first byte and between bytes as long as the model is said to need', async () => {
    const patient = (capabilities: Record<string, number>): ChatModel =>
      providers.chatModel({ provider: 'openai', modelId: 'fake', endpoint: fake.url, apiKey: secret, capabilities });
    fake.control({ script: [{ tokens: 2, firstTokenMs: 2 * stallTimeoutMs, times: 2 }] });
    await collect(patient({ firstByteTimeoutMs: 10 * stallTimeoutMs }).stream(conformanceRequest));
    await expect(
      collect(patient({ stallTimeoutMs: 10 * stallTimeoutMs }).stream(conformanceRequest)),
    ).rejects.toMatchObject({ code: 'timeout' });
    fake.control({ script: [{ tokens: 2, tokenMs: 2 * stallTimeoutMs, times: 2 }] });
    await expect(
      collect(patient({ firstByteTimeoutMs: 10 * stallTimeoutMs }).stream(conformanceRequest)),
    ).rejects.toMatchObject({ code: 'timeout' });
    await collect(patient({ stallTimeoutMs: 10 * stallTimeoutMs }).stream(conformanceRequest));
  });

  test('does not take a slow reader for a silent provider', async () => {
    // Each token comes while the reader is away, later than the time-out would allow.
    fake.control({ script: [{ tokens: 3, tokenMs: 1.5 * stallTimeoutMs }] });
    for await (const event of chat().stream(conformanceRequest)) {
      if (event.type === 'text') await new Promise((resolve) => setTimeout(resolve, 2 * stallTimeoutMs));
    }
    expect(fake.log()).toMatchObject([{ outcome: 'finished', completionTokens: 3 }]);
  });

  test('cuts a provider that accepts the request and never answers', async () => {
    fake.control({ script: [{ firstTokenMs: 10_000, failure: answered(500) }] });
    const started = performance.now();
    await expect(collect(chat().stream(conformanceRequest))).rejects.toMatchObject({
      code: 'timeout',
      retryable: true,
    });
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('says that nobody listens where nobody does', async () => {
    const port = await closedPort();
    const error = await collect(chat(`http://127.0.0.1:${port}/v1`).stream(conformanceRequest)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'unavailable', retryable: true, status: null });
    expect(String(error)).toContain('ECONNREFUSED');
  });

  test('calls a web page that answers in place of an API a malformed response', async () => {
    const server = createServer((_request, response) => response.end('<html>Welcome</html>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    try {
      await expect(collect(chat(endpoint).stream(conformanceRequest))).rejects.toMatchObject({
        code: 'malformed_response',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('refuses vectors of another length for good', async () => {
    await expect(embeddings({ dimensions: 8 }).embed(['text'])).rejects.toMatchObject({
      code: 'malformed_response',
      retryable: false,
    });
  });
});

function expectFailure(error: unknown, expected: Expected): void {
  expect(error).toBeInstanceOf(ProviderError);
  const { code, retryable } = expected;
  expect(error).toMatchObject({ name: 'ProviderError', code, retryable });
  if (expected.retryAfterMs !== undefined) expect(error).toMatchObject({ retryAfterMs: expected.retryAfterMs });
  if (expected.failure.kind === 'status') {
    expect(error).toMatchObject({ status: expected.failure.status, requestId: expect.stringMatching(/^req_\d+$/) });
  }
  const shown = `${String((error as Error).stack)} ${JSON.stringify(error)} ${String((error as Error).cause)}`;
  expect(shown).not.toContain(secret);
  expect(shown).not.toContain('private words');
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
