import { describe, expect, test } from '@jest/globals';

import { resolveCitations } from '../../../domain/citations/resolve-citations.ts';
import type { Passage } from '../../../providers/chat-model.ts';
import { createExtractiveChatModel, extractiveNotice } from '../../../providers/extractive/extractive-chat-model.ts';
import { collect, textOf } from '../chat-model-conformance.ts';

const passages: readonly Passage[] = [
  {
    n: 1,
    title: 'Operations',
    text:
      '# Backups\n\nTake a base backup every night. Restore it into an empty database before you need it.\n\n' +
      '| setting | meaning |\n|---|---|\n| PERDURE_PORT | the port of the API |\n',
  },
  {
    n: 2,
    title: 'Ingestion',
    text:
      '## When a worker is killed\n\nAnother worker takes the ingestion up from its last committed step. The old\n' +
      'generation is served until the new one is complete.\n\n```sh\nkill -9 $(pgrep worker)\n```\n',
  },
  { n: 4, title: 'Ingestion', text: 'Another worker takes the ingestion up from its last committed step. (copy)' },
];

async function ask(question: string, given: readonly Passage[] = passages): Promise<string> {
  const messages = [
    { role: 'user' as const, content: 'An earlier question about backups?' },
    { role: 'assistant' as const, content: 'An earlier answer.' },
    { role: 'user' as const, content: question },
  ];
  return textOf(await collect(createExtractiveChatModel().stream({ messages, passages: given })));
}

function quotesOf(answer: string): { text: string; n: number }[] {
  return Array.from(answer.matchAll(/"([^]+?)" \[(\d+)\]/g), (match) => ({
    text: match[1] ?? '',
    n: Number(match[2]),
  }));
}

describe('the extractive answerer', () => {
  test('quotes the sentence that answers, exactly, with the number of its passage, and says what it is', async () => {
    const answer = await ask('What happens to an ingestion when the worker is killed?');
    expect(answer).toMatch(/^According to the documents: "/);
    expect(quotesOf(answer)[0]).toEqual({
      text: 'Another worker takes the ingestion up from its last committed step.',
      n: 2,
    });
    expect(answer).toContain(extractiveNotice);
  });

  test('cites in the form that the product reads citations from', async () => {
    const answer = await ask('What happens to an ingestion when the worker is killed?');
    const cited = resolveCitations(answer, passages).map(({ marker, quote }) => ({ text: quote, n: marker }));
    expect(cited).toEqual(quotesOf(answer));
  });

  test('prefers a statement to a question that the documents ask', async () => {
    const questions = { n: 3, title: 'Questions', text: 'What happens to an ingestion when the worker is killed?' };
    const answer = await ask('What happens to an ingestion when the worker is killed?', [questions, ...passages]);
    expect(quotesOf(answer)[0]?.text).toBe('Another worker takes the ingestion up from its last committed step.');
  });

  test('finds other forms of a word', async () => {
    expect(quotesOf(await ask('Should databases be restored?'))[0]?.text).toBe(
      'Restore it into an empty database before you need it.',
    );
  });

  test('takes no account of the words with which a question is asked', async () => {
    expect(quotesOf(await ask('How do I make a backup work, please?'))[0]?.text).toBe(
      'Take a base backup every night.',
    );
  });

  test('quotes one to three sentences, each an exact piece of its passage, none twice', async () => {
    const questions = ['backup database restore', 'worker ingestion generation step', 'port API setting', 'generation'];
    for (const question of questions) {
      const quotes = quotesOf(await ask(question));
      expect(quotes.length).toBeGreaterThanOrEqual(1);
      expect(quotes.length).toBeLessThanOrEqual(3);
      for (const { text, n } of quotes) expect(passages.find((passage) => passage.n === n)?.text).toContain(text);
      expect(new Set(quotes.map(({ text }) => text)).size).toBe(quotes.length);
    }
  });

  test.each(['What is the capital of France?', 'Who are you?', '', '???'])(
    'says plainly that nothing answers %j',
    async (question) => {
      const answer = await ask(question);
      expect(answer).toContain('None of the passages');
      expect(answer).toContain(extractiveNotice);
      expect(quotesOf(answer)).toEqual([]);
    },
  );

  test('says so where there are no passages at all', async () => {
    expect(await ask('What happens to an ingestion?', [])).toContain('None of the passages');
  });

  test('answers the same every time', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask('How does an ingestion go on?')));
    expect(new Set(answers).size).toBe(1);
  });

  test('quotes scripts without spaces', async () => {
    const text = '東京は日本の首都です。京都には多くの寺があります。';
    const answer = await ask('日本の首都はどこですか', [{ n: 1, title: '都市', text }]);
    expect(quotesOf(answer)[0]).toEqual({ text: '東京は日本の首都です。', n: 1 });
  });

  test('cuts an endless sentence between words', async () => {
    const text = `A kite ${'flies and '.repeat(200)}lands.`;
    const [quote] = quotesOf(await ask('Why does a kite fly?', [{ n: 1, title: 'Kites', text }]));
    expect(quote?.text.length).toBeLessThanOrEqual(400);
    expect(text.startsWith(`${quote?.text} `)).toBe(true);
  });

  test('knows that it used no tokens of a language model', async () => {
    const request = { messages: [{ role: 'user' as const, content: 'worker' }], passages };
    const events = await collect(createExtractiveChatModel().stream(request));
    expect(events.at(-2)).toEqual({ type: 'usage', promptTokens: 0, completionTokens: 0, totalTokens: 0 });
  });
});
