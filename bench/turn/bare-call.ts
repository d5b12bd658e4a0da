import type OpenAI from 'openai';
import type { Timing } from './turn-client.ts';

/** First token after 20 ms, then 100 tokens 5 ms apart, as a quick hosted model. */
export const streamingModel = 'fake?firstTokenMs=20&tokenMs=5&tokens=100';

/** One streamed call to the provider with nothing around it. */
export async function askBare(openai: OpenAI): Promise<Timing> {
  const began = performance.now();
  let firstTokenMs: number | null = null;
  const stream = await openai.chat.completions.create({
    model: streamingModel,
    stream: true,
    stream_options: { include_usage: true },
    messages: [{ role: 'user', content: 'What lasts?' }],
  });
  for await (const chunk of stream) if (chunk.choices[0]?.delta.content) firstTokenMs ??= performance.now() - began;
  return { firstTokenMs: firstTokenMs ?? Number.NaN, totalMs: performance.now() - began };
}
