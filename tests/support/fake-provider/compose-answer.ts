import { createHash } from 'node:crypto';

import type { Behaviour } from './behaviour.ts';

/** A message of a chat-completions request, as far as the fake reads it. */
export interface FakeMessage {
  readonly role: string;
  readonly content?: string | null;
}

const lorem = (
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt ut labore et dolore magna ' +
  'aliqua enim ad minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ex ea commodo consequat duis ' +
  'aute irure in reprehenderit voluptate velit esse cillum eu fugiat nulla pariatur excepteur sint occaecat cupidatat'
).split(' ');
const ordinaryLength = 24;
const firstPassage = /^\[1\][^\n]*\n+(?<text>[^]+?)(?=\n\n\[2\]|$(?![^]))/m;

/**
 * Composes the answer, token by token (a token is a word and the space behind it). The same messages and behaviour give
 * the same answer: the behaviour's own, else a quote of passage `[1]` with its marker if the prompt has one, else lorem
 * ipsum drawn from the last user message.
 */
export function composeAnswer(messages: readonly FakeMessage[], behaviour: Behaviour): string[] {
  if (behaviour.answer !== null) return toTokens(behaviour.answer);
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  const quote = quoteFirstPassage(messages);
  if (behaviour.tokens === null) return quote === null ? drawLorem(question, ordinaryLength) : toTokens(quote);
  const beginning = quote === null ? [] : toTokens(`${quote} `);
  return [...beginning, ...drawLorem(question, Math.max(0, behaviour.tokens - beginning.length))].slice(
    0,
    behaviour.tokens,
  );
}

function quoteFirstPassage(messages: readonly FakeMessage[]): string | null {
  for (const { content } of messages) {
    const text = firstPassage.exec(content ?? '')?.groups?.['text'];
    const sentence = /[^\s#>*|`"“”«»„-][^\n"“”«»„]{8,160}(?=[.!?\s]|$)/u.exec(text ?? '')?.[0].trim();
    if (sentence !== undefined) return `According to the passage: "${sentence}" [1]`;
  }
  return null;
}

function drawLorem(seed: string, length: number): string[] {
  let digest = createHash('sha256').update(seed).digest();
  const tokens: string[] = [];
  for (let index = 0; index < length; index += 1) {
    const position = index % digest.length;
    if (index > 0 && position === 0) digest = createHash('sha256').update(digest).digest();
    const word = lorem[(digest[position] ?? 0) % lorem.length] ?? 'lorem';
    tokens.push(index === length - 1 ? `${word}.` : `${word} `);
  }
  return tokens;
}

function toTokens(text: string): string[] {
  return text.match(/\s*\S+\s*/g) ?? [];
}
