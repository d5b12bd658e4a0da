import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';

import { plainBehaviour } from './behaviour.ts';
import { composeAnswer } from './compose-answer.ts';
import { startFakeProvider } from './start-fake-provider.ts';
import type { FakeProvider } from './start-fake-provider.ts';

const question = [{ role: 'user', content: 'Why is it so?' }];

describe('the fake provider', () => {
  let fake: FakeProvider;
  beforeAll(async () => {
    fake = await startFakeProvider();
  });
  beforeEach(() => fake.control({ reset: true }));
  afterAll(() => fake.stop());

  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${fake.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const answerOf = async (body: unknown): Promise<string> => {
    const response = await post('/chat/completions', body);
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    return choices[0]?.message.content ?? '';
  };

  test('answers the same question with the same text, which a test can compute', async () => {
    const first = await answerOf({ model: 'fake', messages: question });
    expect(first).toBe(composeAnswer(question, plainBehaviour).join(''));
    expect(await answerOf({ model: 'fake', messages: question })).toBe(first);
    expect(await answerOf({ model: 'fake', messages: [{ role: 'user', content: 'And this?' }] })).not.toBe(first);
  });

  test('quotes the first passage of a prompt with its marker', async () => {
    const system = 'Rules.\n\n[1] Kites\n# Kites\nA kite flies in the wind. More.\n\n[2] Other\nOther text.';
    const messages = [{ role: 'system', content: system }, ...question];
    expect(await answerOf({ model: 'fake', messages })).toMatch(/"(?:Kites|A kite flies in the wind\b.*)" \[1\]/);
  });

  test('calls several tools at once with the words of the question, and answers with their results', async () => {
    const offered = (name: string, required: string[]) => ({
      type: 'function',
      function: { name, parameters: { required } },
    });
    const tools = [offered('look_up', ['order']), offered('pay', [])];
    const model = 'fake?tool=look_up,pay';
    const response = await post('/chat/completions', { model, messages: question, tools });
    const { choices } = (await response.json()) as {
      choices: { message: { tool_calls: { function: { name: string; arguments: string } }[] } }[];
    };
    const calls = choices[0]!.message.tool_calls.map((call) => call.function);
    expect(calls).toEqual([
      { name: 'look_up', arguments: JSON.stringify({ order: 'Why is it so?' }) },
      { name: 'pay', arguments: '{}' },
    ]);
    const messages = [...question, { role: 'tool', content: 'Found.' }];
    expect(await answerOf({ model, messages, tools })).toBe(composeAnswer(messages, plainBehaviour).join(''));
  });

  test('keeps a log with key, hash, tokens and outcome', async () => {
    await post('/chat/completions', { model: 'fake?tokens=7', messages: question }, { 'idempotency-key': 'call-1' });
    const [call] = (await (await fetch(new URL('/log', fake.url))).json()) as unknown[];
    expect(call).toMatchObject({
      kind: 'chat',
      model: 'fake?tokens=7',
      idempotencyKey: 'call-1',
      promptHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      outcome: 'finished',
      completionTokens: 7,
    });
  });

  test('follows its script in order, then the model, then the default', async () => {
    fake.control({
      default: { answer: 'by default' },
      script: [{ answer: 'first' }, { on: 'embeddings', answer: 'not for chats' }, { answer: 'second', times: 2 }],
    });
    const answers = [];
    for (let call = 0; call < 4; call += 1) answers.push(await answerOf({ model: 'fake', messages: question }));
    answers.push(await answerOf({ model: 'fake?answer=by+model', messages: question }));
    expect(answers).toEqual(['first', 'second', 'second', 'by default', 'by model']);
  });

  test('keeps the ordered time', async () => {
    const started = performance.now();
    const response = await post('/chat/completions', {
      model: 'fake?firstTokenMs=50&tokenMs=10&tokens=11',
      messages: question,
      stream: true,
    });
    await response.text();
    const elapsed = performance.now() - started;
    expect(elapsed).toBeGreaterThanOrEqual(149);
    expect(elapsed).toBeLessThan(3_000);
  });

  test('refuses another key than the required one', async () => {
    fake.control({ requiredKey: 'right' });
    const status = async (key: string): Promise<number> =>
      (await fetch(`${fake.url}/models`, { headers: { authorization: `Bearer ${key}` } })).status;
    expect([await status('wrong'), await status('right')]).toEqual([401, 200]);
  });

  test('gives vectors of any length, equal for equal texts', async () => {
    const vectors = async (model: string): Promise<number[][]> => {
      const response = await post('/embeddings', { model, input: ['a b', 'a b', 'c'] });
      return ((await response.json()) as { data: { embedding: number[] }[] }).data.map(({ embedding }) => embedding);
    };
    for (const kind of ['words', 'hash', 'constant']) {
      const [first, second, third] = await vectors(`fake?dimensions=1536&vectors=${kind}`);
      expect(first).toHaveLength(1_536);
      expect(second).toEqual(first);
      if (kind === 'constant') expect(third).toEqual(first);
      else expect(third).not.toEqual(first);
    }
  });

  test('refuses an order that it does not know, and says so where a developer looks', async () => {
    const shown = jest.spyOn(console, 'error').mockImplementation(() => {});
    const response = await post('/chat/completions', { model: 'fake?stal=1', messages: question });
    expect(response.status).toBe(400);
    expect(shown).toHaveBeenCalledWith(
      expect.any(String),
      expect.objectContaining({ message: expect.stringContaining('stal') }),
    );
    shown.mockRestore();
  });

  test('runs as a process of its own and stops when told', async () => {
    const main = new URL('./main.ts', import.meta.url);
    const child = spawn(process.execPath, [main.pathname, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { url: string };
    expect((await fetch(`${url}/models`)).status).toBe(200);
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
