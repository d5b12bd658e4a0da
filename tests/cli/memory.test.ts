import { expect, test } from '@jest/globals';
import { testApi } from '../support/api/test-api.ts';
import { runCli } from './run-cli.ts';

const api = testApi();
const run = (...args: string[]) => runCli(args, { url: api.url, key: api.tenant.key });
const perdure = async (...args: string[]) => {
  const { code, out, err } = await run(...args);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out.trim();
};
const write = (memory: string) => api.call('PUT', '/users/ada/memory', { body: { memory } });

test('a memory is shown with its versions, taken back, and forgotten', async () => {
  await write('Lives in Paris.');
  await write('Lives in Lyon.\nLikes tea.');
  expect(await perdure('memory', 'show', 'ada')).toMatch(
    /version 2, written, \d+ of 2000 tokens\nLives in Lyon\.\nLikes tea\./,
  );
  expect(await perdure('memory', 'show', 'ada', '--version', '1')).toMatch(/version 1[^]*Lives in Paris\./);
  expect((await perdure('memory', 'versions', 'ada')).split('\n')).toHaveLength(2);
  expect(await perdure('memory', 'rollback', 'ada')).toBe('version 3 has the text of version 1');
  expect(JSON.parse(await perdure('memory', 'show', 'ada', '--json'))).toMatchObject({
    memory: 'Lives in Paris.',
    version: 3,
  });
  expect(await perdure('memory', 'rollback', 'ada', '--version', '2')).toBe('version 4 has the text of version 2');
  expect(await perdure('memory', 'forget', 'ada')).toContain('Nothing is remembered of ada');
  expect(await run('memory', 'rollback', 'ada', '--version', '2')).toMatchObject({ code: 1 });
});

test('settings are shown and changed one by one', async () => {
  await write('Lives in Paris.');
  expect(await perdure('memory', 'settings', 'ada')).toBe('learn yes, recall yes, cap none');
  expect(await perdure('memory', 'settings', 'ada', '--learn', 'no', '--cap', '300')).toBe(
    'learn no, recall yes, cap 300',
  );
  expect(await perdure('memory', 'settings', 'ada', '--recall', 'no', '--cap', 'none', '--json')).toBe(
    JSON.stringify({ learn: false, recall: false, cap_tokens: null }),
  );
});

test('memory says what it was called wrongly with', async () => {
  for (const args of [
    ['show'],
    ['mend', 'ada'],
    ['show', 'ada', 'eve'],
    ['show', 'ada', '--version', '0'],
    ['settings', 'ada', '--learn', 'maybe'],
  ])
    expect(await run('memory', ...args)).toMatchObject({ code: 2, err: expect.stringMatching(/\S/) });
});
