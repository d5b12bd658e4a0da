import type { ServerResponse } from 'node:http';

import type { Behaviour } from './behaviour.ts';
import { settle } from './call-log.ts';
import type { LoggedCall } from './call-log.ts';
import { composeAnswer } from './compose-answer.ts';
import type { FakeMessage } from './compose-answer.ts';
import { failCall } from './fail-call.ts';
import { ResponseClock } from './response-clock.ts';

/** A chat-completions request, as far as the fake reads it. */
export interface ChatBody {
  readonly model: string;
  readonly messages: readonly FakeMessage[];
  readonly stream?: boolean;
  readonly stream_options?: { readonly include_usage?: boolean };
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly tools?: readonly OfferedTool[];
}

/** A function that the model may call, as far as the fake reads it. */
interface OfferedTool {
  readonly function: {
    readonly name: string;
    readonly parameters?: { readonly required?: readonly string[]; readonly properties?: object };
  };
}

interface Answer {
  readonly tokens: readonly string[];
  readonly toolCalls: readonly { id: string; type: 'function'; function: { name: string; arguments: string } }[];
  readonly finishReason: string;
}

/** Answers a chat completion, streamed or whole, in the ordered way and time. */
export async function answerChat(
  response: ServerResponse,
  body: ChatBody,
  call: LoggedCall,
  behaviour: Behaviour,
): Promise<void> {
  const answer = decide(body, behaviour, call.id);
  call.answer = answer.tokens.join('');
  const { failure } = behaviour;
  if (failure?.kind === 'status') {
    await new ResponseClock(response).until(performance.now() + behaviour.firstTokenMs);
    if (response.destroyed) return;
    return failCall(response, call, failure);
  }
  if (body.stream === true) await stream(response, body, call, behaviour, answer);
  else await sendWhole(response, body, call, behaviour, answer);
}

function decide(body: ChatBody, behaviour: Behaviour, id: number): Answer {
  const calls = behaviour.toolCalls ?? (wantsTool(body, behaviour) ? callsOf(body, behaviour.tool ?? '') : []);
  if (calls.length > 0) {
    const toolCalls = calls.map((tool, index) => ({
      id: `call_${id}_${index}`,
      type: 'function' as const,
      function: { name: tool.name, arguments: JSON.stringify(tool.arguments) },
    }));
    return {
      tokens: behaviour.answer === null ? [] : composeAnswer(body.messages, behaviour),
      toolCalls,
      finishReason: 'tool_calls',
    };
  }
  const tokens = composeAnswer(body.messages, behaviour);
  const most = body.max_completion_tokens ?? body.max_tokens ?? tokens.length;
  return { tokens: tokens.slice(0, most), toolCalls: [], finishReason: most < tokens.length ? 'length' : 'stop' };
}

/** One call of each named tool, at once; what a tool requires is given the words of the last user message. */
function callsOf(body: ChatBody, names: string): { name: string; arguments: unknown }[] {
  const question = body.messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return names.split(',').map((name) => {
    const offered = body.tools?.find((tool) => tool.function.name === name);
    const required = offered?.function.parameters?.required ?? [];
    return { name, arguments: Object.fromEntries(required.map((field) => [field, question])) };
  });
}

function wantsTool(body: ChatBody, behaviour: Behaviour): boolean {
  return behaviour.tool !== null && (body.tools?.length ?? 0) > 0 && body.messages.at(-1)?.role !== 'tool';
}

async function stream(
  response: ServerResponse,
  body: ChatBody,
  call: LoggedCall,
  behaviour: Behaviour,
  answer: Answer,
): Promise<void> {
  const { failure } = behaviour;
  const head = { id: `chatcmpl-${call.id}`, object: 'chat.completion.chunk', created: seconds(), model: body.model };
  const send = (delta: unknown, finishReason: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finishReason }];
    response.write(`data: ${JSON.stringify({ ...head, choices })}\n\n`);
  };
  call.status = 200;
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': `req_${call.id}` });
  response.flushHeaders();
  const clock = new ResponseClock(response);
  const first = performance.now() + behaviour.firstTokenMs;
  await clock.until(first);
  if (behaviour.reasoning !== null) send({ role: 'assistant', reasoning_content: behaviour.reasoning });
  // Against the clock, not one wait after another: late timers would add up, and the bench compares with this.
  for (const [index, content] of answer.tokens.entries()) {
    if (index > 0 && behaviour.tokenMs > 0) await clock.until(first + index * behaviour.tokenMs);
    if (response.destroyed) return;
    if (failure?.kind !== 'status' && failure?.afterTokens === index) return failCall(response, call, failure);
    send({ content });
    call.firstTokenAt ??= Date.now();
    call.completionTokens += 1;
  }
  if (failure !== null) return failCall(response, call, failure);
  for (const [index, tool] of answer.toolCalls.entries()) sendToolCall(send, index, tool);
  send({}, answer.finishReason);
  if (behaviour.usage && body.stream_options?.include_usage === true) {
    response.write(`data: ${JSON.stringify({ ...head, choices: [], usage: usageOf(call) })}\n\n`);
  }
  settle(call, 'finished');
  response.end('data: [DONE]\n\n');
}

/** In two pieces, so that clients must join them. */
function sendToolCall(send: (delta: unknown) => void, index: number, tool: Answer['toolCalls'][number]): void {
  const { name, arguments: json } = tool.function;
  const middle = Math.ceil(json.length / 2);
  send({ tool_calls: [{ ...tool, index, function: { name, arguments: json.slice(0, middle) } }] });
  send({ tool_calls: [{ index, function: { arguments: json.slice(middle) } }] });
}

async function sendWhole(
  response: ServerResponse,
  body: ChatBody,
  call: LoggedCall,
  behaviour: Behaviour,
  answer: Answer,
): Promise<void> {
  const end = performance.now() + behaviour.firstTokenMs + behaviour.tokenMs * answer.tokens.length;
  await new ResponseClock(response).until(end);
  if (response.destroyed) return;
  call.status = 200;
  call.completionTokens = answer.tokens.length;
  response.writeHead(200, { 'content-type': 'application/json', 'x-request-id': `req_${call.id}` });
  if (behaviour.failure !== null) return failCall(response, call, behaviour.failure);
  const content = answer.tokens.join('');
  const message = {
    role: 'assistant',
    content: content === '' ? null : content,
    ...(answer.toolCalls.length > 0 ? { tool_calls: answer.toolCalls } : {}),
  };
  settle(call, 'finished');
  response.end(
    JSON.stringify({
      id: `chatcmpl-${call.id}`,
      object: 'chat.completion',
      created: seconds(),
      model: body.model,
      choices: [{ index: 0, message, finish_reason: answer.finishReason }],
      ...(behaviour.usage ? { usage: usageOf(call) } : {}),
    }),
  );
}

function usageOf(call: LoggedCall): Record<string, number> {
  const { promptTokens, completionTokens } = call;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}
