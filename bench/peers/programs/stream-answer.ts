import OpenAI from 'openai';
import type { Message } from './message-table.ts';
import { turnOrder } from './serve-turns.ts';

const openai = new OpenAI({ baseURL: turnOrder.providerUrl, apiKey: 'bench', maxRetries: 0 });

/** Streams the model's answer piece by piece to `take`, and resolves to its whole text. */
export async function streamAnswer(messages: readonly Message[], take: (text: string) => void): Promise<string> {
  let whole = '';
  const stream = await openai.chat.completions.create({
    model: turnOrder.model,
    stream: true,
    stream_options: { include_usage: true },
    messages: [...messages],
  });
  for await (const chunk of stream) {
    const text = chunk.choices[0]?.delta.content ?? '';
    whole += text;
    if (text !== '') take(text);
  }
  return whole;
}
