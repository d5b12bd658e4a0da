import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { ChatEvent, ChatRequest } from '../../../providers/chat-model.ts';
import { createProviders } from '../../../providers/registry.ts';
import { collect, conformanceRequest, textOf } from '../chat-model-conformance.ts';

/** A server that answers with the given chunks, word for word, and keeps what it was asked. */
interface Playback {
  readonly endpoint: string;
  chunks: readonly unknown[];
  headers: IncomingHttpHeaders;
  body: Record<string, unknown>;
}

function chunk(delta: Record<string, unknown>, finishReason: string | null = null): unknown {
  return { id: 'resp-1', model: 'served-model', choices: [{ index: 0, delta, finish_reason: finishReason }] };
}

describe('the OpenAI protocol as servers really speak it', () => {
  const providers = createProviders({ modelDirectory: 'unused' });
  let server: Server;
  let playback: Playback;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (part: Buffer) => (text += part.toString()));
      request.on('end', () => {
        playback.headers = request.headers;
        playback.body = JSON.parse(text) as Record<string, unknown>;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        for (const part of playback.chunks) response.write(`: keep-alive\n\ndata: ${JSON.stringify(part)}\n\n`);
        response.end('data: [DONE]\n\n');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    playback = { endpoint, chunks: [], headers: {}, body: {} };
  });
  afterAll(async () => {
    await providers.close();
    server.closeAllConnections();
    server.close();
  });

  const ask = (
    chunks: readonly unknown[],
    request: Partial<ChatRequest> = {},
    apiKey: string | null = 'sk-test',
  ): Promise<ChatEvent[]> => {
    playback.chunks = chunks;
    const { endpoint } = playback;
    const model = providers.chatModel({ provider: 'openai', modelId: 'm', endpoint, apiKey, capabilities: {} });
    return collect(model.stream({ ...conformanceRequest, ...request }));
  };

  test('joins tool calls that come in pieces and interleaved', async () => {
    const events = await ask([
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'search', arguments: '' } }] }),
      chunk({ tool_calls: [{ index: 1, id: 'b', function: { name: 'send', arguments: '{"to":' } }] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '{"q":"x"}' } }] }),
      chunk({ tool_calls: [{ index: 1, function: { arguments: '"y"}' } }] }, 'tool_calls'),
    ]);
    expect(events.filter(({ type }) => type === 'tool-call')).toEqual([
      { type: 'tool-call', id: 'a', name: 'search', arguments: '{"q":"x"}' },
      { type: 'tool-call', id: 'b', name: 'send', arguments: '{"to":"y"}' },
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'finish', reason: 'tool-calls' });
  });

  test('keeps whole tool calls apart that share an index, and names those without an id', async () => {
    const events = await ask([
      chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'one', arguments: '{}' } }] }),
      chunk({ tool_calls: [{ index: 0, id: 'b', function: { name: 'two' } }] }),
      chunk({ tool_calls: [{ index: 1, function: { name: 'three', arguments: '{}' } }] }),
      chunk({}, 'stop'),
    ]);
    expect(events.filter(({ type }) => type === 'tool-call')).toEqual([
      { type: 'tool-call', id: 'a', name: 'one', arguments: '{}' },
      { type: 'tool-call', id: 'b', name: 'two', arguments: '{}' },
      { type: 'tool-call', id: 'resp-1-2', name: 'three', arguments: '{}' },
    ]);
    expect(events.at(-1)).toMatchObject({ reason: 'tool-calls' });
  });

  test('reads reasoning under both of its names, and a refusal as text', async () => {
    const events = await ask([
      chunk({ role: 'assistant', content: '' }),
      chunk({ reasoning_content: 'first ' }),
      chunk({ reasoning: 'second' }),
      chunk({ refusal: 'I would rather not.' }),
      chunk({}, 'content_filter'),
    ]);
    expect(events.slice(0, 3)).toEqual([
      { type: 'reasoning', text: 'first ' },
      { type: 'reasoning', text: 'second' },
      { type: 'text', text: 'I would rather not.' },
    ]);
    expect(events.at(-1)).toEqual({
      type: 'finish',
      reason: 'content-filter',
      responseId: 'resp-1',
      responseModel: 'served-model',
    });
  });

  test('takes the last of running usage, and says unknown where there is none', async () => {
    const usage = (total: number) => ({ prompt_tokens: 5, completion_tokens: total - 5, total_tokens: total });
    const running = await ask([
      { ...(chunk({ content: 'a' }) as object), usage: usage(6) },
      { ...(chunk({ content: 'b' }, 'stop') as object), usage: usage(7) },
    ]);
    expect(running.at(-2)).toEqual({ type: 'usage', promptTokens: 5, completionTokens: 2, totalTokens: 7 });
    const silent = await ask([chunk({ content: 'a' }, 'stop')]);
    expect(silent.at(-2)).toEqual({ type: 'usage', promptTokens: null, completionTokens: null, totalTokens: null });
    expect(textOf(silent)).toBe('a');
  });

  test('calls a finish that it does not know other, never a failure', async () => {
    expect((await ask([chunk({ content: 'a' }, 'because')])).at(-1)).toMatchObject({ reason: 'other' });
  });

  test('sends the call id, the key and every field of the request, and nothing of the environment', async () => {
    const tools = [{ name: 'search', description: 'Searches.', parameters: { type: 'object' } }];
    await ask([chunk({ content: 'a' }, 'stop')], {
      callId: 'turn-1/step-2',
      temperature: 0.2,
      maxTokens: 50,
      tools,
      toolChoice: 'none',
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'search', arguments: '{}' }] },
        { role: 'tool', toolCallId: 'a', content: 'result' },
      ],
    });
    expect(playback.headers).toMatchObject({ 'idempotency-key': 'turn-1/step-2', authorization: 'Bearer sk-test' });
    expect(playback.headers).not.toHaveProperty('openai-organization');
    expect(playback.body).toEqual({
      model: 'm',
      messages: [
        { role: 'user', content: 'q' },
        {
          role: 'assistant',
          content: null,
          tool_calls: [{ id: 'a', type: 'function', function: { name: 'search', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'a', content: 'result' },
      ],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.2,
      max_tokens: 50,
      tools: [{ type: 'function', function: tools[0] }],
      tool_choice: 'none',
    });
  });

  test('sends no credentials where there is no key', async () => {
    await ask([chunk({ content: 'a' }, 'stop')], {}, null);
    expect(playback.headers).not.toHaveProperty('authorization');
  });
});
