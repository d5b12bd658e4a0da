import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { createMetrics } from '../../../platform/telemetry/metrics.ts';
import { SafeSpanProcessor } from '../../../platform/telemetry/safe-span-processor.ts';
import { traceChatModel, traceEmbeddingModel } from '../../../platform/telemetry/trace-models.ts';
import type { ChatEvent, ChatModel } from '../../../providers/chat-model.ts';
import type { EmbeddingModel } from '../../../providers/embedding-model.ts';
import { ProviderError } from '../../../providers/provider-error.ts';

const exporter = new InMemorySpanExporter();
trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SafeSpanProcessor(new SimpleSpanProcessor(exporter))] }),
);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
beforeEach(() => exporter.reset());
afterAll(() => {
  trace.disable();
  context.disable();
});

const answer: ChatEvent[] = [
  { type: 'text', text: 'forty' },
  { type: 'text', text: '-two' },
  { type: 'usage', promptTokens: 7, completionTokens: 2, totalTokens: 9 },
  { type: 'finish', reason: 'stop', responseId: 'r-1', responseModel: 'm-2026' },
];
const request = { messages: [{ role: 'user', content: 'a private question' }], callId: 'c-1', maxTokens: 50 } as const;

function chatModel(stream: ChatModel['stream']): ChatModel {
  return { provider: 'openai', id: 'm', contextWindow: 1000, supportsTools: true, stream };
}

async function* events(of: readonly ChatEvent[], failure?: Error): AsyncGenerator<ChatEvent> {
  for (const event of of) yield event;
  if (failure) throw failure;
}

async function read(model: ChatModel): Promise<ChatEvent[]> {
  const got: ChatEvent[] = [];
  for await (const event of model.stream(request)) got.push(event);
  return got;
}

describe('a traced chat model', () => {
  test('passes every event on and makes one span under the caller, without content', async () => {
    const metrics = createMetrics('test');
    const model = traceChatModel(
      chatModel(() => events(answer)),
      { metrics, captureContent: false },
    );
    const got = await trace.getTracer('test').startActiveSpan('activity', async (parent) => {
      const all = await read(model);
      parent.end();
      return all;
    });
    expect(got).toEqual(answer);
    const [call, activity] = exporter.getFinishedSpans();
    expect(call?.name).toBe('chat m');
    expect(call?.parentSpanContext?.spanId).toBe(activity?.spanContext().spanId);
    expect(call?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'm',
      'gen_ai.request.max_tokens': 50,
      'gen_ai.response.model': 'm-2026',
      'gen_ai.response.id': 'r-1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 7,
      'gen_ai.usage.output_tokens': 2,
      'perdure.call.id': 'c-1',
    });
    expect(JSON.stringify(call?.attributes)).not.toMatch(/private|forty|gen_ai\.system/);
    const text = await metrics.render();
    expect(text).toMatch(/provider_call_duration_seconds_count\{[^}]*outcome="ok"[^}]*\} 1/);
    expect(text).toMatch(/provider_tokens_total\{[^}]*direction="output"[^}]*\} 2/);
  });

  test('shows question and answer once somebody opted in', async () => {
    await read(
      traceChatModel(
        chatModel(() => events(answer)),
        { metrics: createMetrics('t'), captureContent: true },
      ),
    );
    const [call] = exporter.getFinishedSpans();
    expect(call?.attributes['gen_ai.input.messages']).toContain('a private question');
    expect(call?.attributes['gen_ai.output.messages']).toContain('forty-two');
  });

  test("gives a failure's code and nothing of its message", async () => {
    const metrics = createMetrics('test');
    const failure = new ProviderError('rate_limited', 'the body quotes a private question', {
      status: 429,
      retryable: true,
    });
    const model = traceChatModel(
      chatModel(() => events(answer.slice(0, 1), failure)),
      { metrics, captureContent: false },
    );
    await expect(read(model)).rejects.toBe(failure);
    const [call] = exporter.getFinishedSpans();
    expect(call?.status).toEqual({ code: 2, message: 'rate_limited' });
    expect(call?.attributes['error.type']).toBe('rate_limited');
    expect(call?.events).toEqual([]);
    expect(await metrics.render()).toMatch(/outcome="rate_limited"/);
  });

  test('ends its span and the call when the reader leaves early', async () => {
    const metrics = createMetrics('test');
    let closed = false;
    async function* endless(): AsyncGenerator<ChatEvent> {
      try {
        for (;;) yield { type: 'text', text: 'more' };
      } finally {
        closed = true;
      }
    }
    for await (const event of traceChatModel(chatModel(endless), { metrics, captureContent: false }).stream(request)) {
      if (event.type === 'text') break;
    }
    expect(closed).toBe(true);
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    expect(await metrics.render()).toMatch(/outcome="stopped"/);
  });
});

test('a traced embedding model passes everything on, and shows the number of texts and tokens, never the texts', async () => {
  const vectors = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const inner: EmbeddingModel = {
    provider: 'local',
    id: 'mini',
    dimensions: 2,
    maxTokens: 256,
    maxBatch: 8,
    normalized: true,
    tokenCounting: 'exact',
    countTokens: (text) => text.length,
    tokenOffsets: () => ({ starts: Uint32Array.of(0), ends: Uint32Array.of(1) }),
    embed: async () => ({ vectors, usage: { promptTokens: 11 } }),
    close: async () => {},
  };
  const model = traceEmbeddingModel(inner, { metrics: createMetrics('test'), captureContent: false });
  const { dimensions, maxTokens, maxBatch, normalized, tokenCounting } = model;
  expect({ dimensions, maxTokens, maxBatch, normalized, tokenCounting }).toEqual({
    dimensions: 2,
    maxTokens: 256,
    maxBatch: 8,
    normalized: true,
    tokenCounting: 'exact',
  });
  expect(model.countTokens('abc')).toBe(3);
  expect((await model.embed(['a secret text', 'b'])).vectors).toBe(vectors);
  const [span] = exporter.getFinishedSpans();
  expect(span?.name).toBe('embeddings mini');
  expect(span?.attributes).toMatchObject({ 'perdure.batch.size': 2, 'gen_ai.usage.input_tokens': 11 });
  expect(JSON.stringify(span?.attributes)).not.toContain('secret');
});
