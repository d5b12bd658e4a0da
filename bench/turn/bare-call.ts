import type OpenAI from 'openai';
import type { Timing } from './turn-client.ts';

/** First token after 20 ms, then 100 tokens 5 ms apart, as a quick hosted model. */
export const streamingModel = 'fake?firstTokenMs=20&tokenMs=5&tokens=100';

/** The same model, which asks for the time first. */
export const toolModel = `${streamingModel}&tool=current_time`;

/** What the bare client itself may take beside the provider: the first token at 20 ms, the last one 495 ms later. */
const bounds = { firstTokenMs: 20 + 8, totalMs: 515 + 25 };

/** Why the figures of bare calls are not to be compared with; null if they are as quick as they should be. */
export function slownessOf(bare: Timing): string | null {
  if (bare.firstTokenMs <= bounds.firstTokenMs && bare.totalMs <= bounds.totalMs) return null;
  return (
    `The bare client itself was slow (first token ${bare.firstTokenMs.toFixed(1)} ms, at most ${bounds.firstTokenMs}; ` +
    `total ${bare.totalMs.toFixed(0)} ms, at most ${bounds.totalMs}): the machine was busy, and what is added says little.`
  );
}

const question = { role: 'user' as const, content: 'What lasts?' };

/** One streamed call to the provider with nothing around it. */
export async function askBare(openai: OpenAI): Promise<Timing> {
  const began = performance.now();
  let firstTokenMs: number | null = null;
  const stream = await openai.chat.completions.create({
    model: streamingModel,
    stream: true,
    stream_options: { include_usage: true },
    messages: [question],
  });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) firstTokenMs ??= performance.now() - began;
  return { firstTokenMs: firstTokenMs ?? Number.NaN, totalMs: performance.now() - began };
}

/** Two streamed calls with nothing around them: the model asks for the time, is told at once, and answers. */
export async function askBareWithTool(openai: OpenAI): Promise<Timing> {
  const began = performance.now();
  const common = { model: toolModel, stream: true as const, stream_options: { include_usage: true } };
  const parameters = { type: 'object', properties: {} };
  const tools = [{ type: 'function' as const, function: { name: 'current_time', parameters } }];
  let id = '';
  for await (const chunk of await openai.chat.completions.create({ ...common, tools, messages: [question] }))
    id ||= chunk.choices[0]?.delta.tool_calls?.[0]?.id ?? '';
  const call = { id, type: 'function' as const, function: { name: 'current_time', arguments: '{}' } };
  let firstTokenMs: number | null = null;
  const answer = await openai.chat.completions.create({
    ...common,
    tools,
    messages: [
      question,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: id, content: new Date().toISOString() },
    ],
  });
  for await (const chunk of answer) if (chunk.choices[0]?.delta.content) firstTokenMs ??= performance.now() - began;
  return { firstTokenMs: firstTokenMs ?? Number.NaN, totalMs: performance.now() - began };
}
