import { describe, expect, test } from '@jest/globals';
import {
  expandPrompt,
  storePrompt,
  type PromptRows,
  type StoredPrompt,
} from '../../../domain/prompting/stored-prompt.ts';

const message = (id: string, parentId: string | null, role: 'user' | 'assistant') => ({
  id,
  parentId,
  role,
  content: id,
});

const rows: PromptRows = {
  messages: new Map(
    [
      message('q1', null, 'user'),
      message('a1', 'q1', 'assistant'),
      message('lost', 'a1', 'user'),
      message('q2', 'lost', 'user'),
      message('a2', 'q2', 'assistant'),
      message('q3', 'a2', 'user'),
    ].map((row) => [row.id, row]),
  ),
  steps: new Map([[1, { text: 'I look.', toolCalls: [{ id: 'p1', name: 'look', arguments: '{}' }] }]]),
  calls: new Map([['c1', { toolCallId: 'p1', name: 'look', content: 'abcdef', isError: false }]]),
  earlierSteps: new Map([['t1/2', [{ id: 'p0', name: 'find', arguments: '{}' }]]]),
  earlierCalls: new Map([['c0', { toolCallId: 'p0', name: 'find', content: 'abcdef', passages: 2, isError: false }]]),
};
const system = { role: 'system' as const, content: 'Be brief.' };
const first: StoredPrompt = { format: 1, messages: [system, { from: 'q1', to: 'a2' }, { message_id: 'q3' }] };

describe('expandPrompt', () => {
  test('follows references: a run of the branch without unanswered questions, a message, a step, a result', () => {
    const stored = new Map<number, StoredPrompt>([
      [1, first],
      [2, { format: 1, extends: 1, appended: [{ step: 1 }, { call: 'c1', keep: 2 }] }],
    ]);
    expect(expandPrompt(2, stored, rows)).toEqual([
      system,
      { role: 'user', content: 'q1' },
      { role: 'assistant', content: 'a1' },
      { role: 'user', content: 'q2' },
      { role: 'assistant', content: 'a2' },
      { role: 'user', content: 'q3' },
      { role: 'assistant', content: 'I look.', toolCalls: [{ id: 'p1', name: 'look', arguments: '{}' }] },
      {
        role: 'tool',
        toolCallId: 'p1',
        content: '<result tool="look">\nab\n[4 characters are left out here to save room]\n</result>',
      },
    ]);
  });

  test('follows references to calls of earlier turns, and says where these are gone', () => {
    const stored: StoredPrompt = {
      format: 1,
      messages: [{ message_id: 'q1' }, { turn: 't1', step: 2 }, { earlier_call: 'c0', keep: 3 }, { message_id: 'a1' }],
    };
    expect(expandPrompt(1, new Map([[1, stored]]), rows)).toEqual([
      { role: 'user', content: 'q1' },
      { role: 'assistant', content: '', toolCalls: [{ id: 'p0', name: 'find', arguments: '{}' }] },
      {
        role: 'tool',
        toolCallId: 'p0',
        content: `<result tool="find">
abc
[the rest is left out here to save room; call the tool again if it is needed]
[2 passages were found; search again to read and cite them]
</result>`,
      },
      { role: 'assistant', content: 'a1' },
    ]);
    const gone = { ...rows, earlierSteps: new Map(), earlierCalls: new Map() };
    expect(expandPrompt(1, new Map([[1, stored]]), gone).map(({ content }) => content)).toEqual([
      ...['q1', '[deleted]', '[deleted]', 'a1'],
    ]);
  });

  test('says where a row is gone, and throws where a step is', () => {
    const nothing: PromptRows = {
      ...{ messages: new Map(), steps: new Map(), calls: new Map() },
      ...{ earlierSteps: new Map(), earlierCalls: new Map() },
    };
    expect(expandPrompt(1, new Map([[1, first]]), nothing).map(({ content }) => content)).toEqual([
      'Be brief.',
      '[deleted]',
      '[deleted]',
    ]);
    expect(() => expandPrompt(2, new Map([[2, { format: 1, extends: 1, appended: [] }]]), rows)).toThrow(
      'The prompt of step 2 extends that of step 1, which is not stored',
    );
  });
});

describe('storePrompt', () => {
  test('keeps only what was appended to the longest former prompt that it repeats', () => {
    const messages = [system, { from: 'q1', to: 'a2' }, { message_id: 'q3' }, { step: 1 }, { call: 'c1' }];
    // As the database gives it back: with the keys of an object in its own order.
    const reordered: StoredPrompt = { format: 1, messages: [system, { to: 'a2', from: 'q1' }, { message_id: 'q3' }] };
    expect(storePrompt(messages, new Map([[1, reordered]]))).toEqual({
      format: 1,
      extends: 1,
      appended: [{ step: 1 }, { call: 'c1' }],
    });
    const second: StoredPrompt = { format: 1, extends: 1, appended: [{ step: 1 }, { call: 'c1' }] };
    const longer = [...messages, { step: 2 }];
    expect(
      storePrompt(
        longer,
        new Map<number, StoredPrompt>([
          [1, first],
          [2, second],
        ]),
      ),
    ).toEqual({ format: 1, extends: 2, appended: [{ step: 2 }] });
  });

  test('keeps the whole where a former message has changed', () => {
    const shortened = [system, { from: 'q2', to: 'a2' }, { message_id: 'q3' }, { step: 1 }];
    expect(storePrompt(shortened, new Map([[1, first]]))).toEqual({ format: 1, messages: shortened });
  });

  test('of a turn of 100 steps grows with the steps, not with their square', () => {
    const prompts = new Map<number, StoredPrompt>();
    for (let step = 1; step <= 100; step += 1) {
      const taken = Array.from({ length: step - 1 }, (_, index) => [
        { step: index + 1 },
        { call: `call-${index + 1}` },
      ]);
      prompts.set(step, storePrompt([system, { message_id: 'q3' }, ...taken.flat()], prompts));
    }
    expect(JSON.stringify([...prompts.values()]).length).toBeLessThan(100 * 120);
  });
});
