import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createMemoryDesk } from '../../platform/memory-desk.ts';
import { runCli } from '../cli/run-cli.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi(() => ({ memory: createMemoryDesk(100) }));
let users = 0;

function someone() {
  users += 1;
  const path = `/users/user ${users}/memory`.replaceAll(' ', '%20');
  const call = (method: string, rest = '', body?: unknown) =>
    api.call(method, `${path}${rest}`, body === undefined ? {} : { body });
  return { call, put: (memory: string, more: object = {}) => call('PUT', '', { memory, ...more }) };
}

describe('R25 versions of a memory', () => {
  test('each change is one, the same text again is none, and one call goes back', async () => {
    const { call, put } = someone();
    await put('Likes tea.');
    await put('Likes coffee.');
    expect((await put('Likes coffee.')).json).toMatchObject({
      version: 2,
      origin: 'written',
      tokens: expect.any(Number),
    });
    const back = await call('POST', '/rollback', {});
    expect(back.json).toMatchObject({
      version: 3,
      origin: 'rolled_back',
      memory: 'Likes tea.',
      detail: { restored: 1, replaced: 2 },
    });
    expect((await call('POST', '/rollback', { version: 2 })).json).toMatchObject({
      version: 4,
      memory: 'Likes coffee.',
    });
    expect((await call('GET')).json).toMatchObject({ memory: 'Likes coffee.', version: 4, origin: 'rolled_back' });
    expect((await call('GET', '/versions/1')).json).toMatchObject({
      memory: 'Likes tea.',
      facts: [{ source: 'written' }],
    });
    const first = (await call('GET', '/versions?limit=3')).json;
    const rest = (await call('GET', `/versions?limit=3&cursor=${first.next_cursor}`)).json;
    expect([...first.data, ...rest.data].map(({ version }: { version: number }) => version)).toEqual([4, 3, 2, 1]);
    expect(rest.next_cursor).toBeNull();
  });

  test('there is nothing to go back to before the second, and no version that is not there', async () => {
    const { call, put } = someone();
    expectProblem(await call('POST', '/rollback', {}), 'not_found');
    await put('Likes tea.');
    expectProblem(await call('POST', '/rollback', {}), 'conflict');
    expectProblem(await call('POST', '/rollback', { version: 9 }), 'bad_request');
    expectProblem(await call('GET', '/versions/9'), 'not_found');
  });

  test('writers at once make a version each, and one that names its version loses nothing of another', async () => {
    const { call, put } = someone();
    await Promise.all(Array.from({ length: 10 }, (_, n) => put(`Line ${n}.`)));
    expect((await call('GET')).json.version).toBe(10);
    const race = await Promise.all([put('One.', { if_version: 10 }), put('Other.', { if_version: 10 })]);
    expect(race.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409]);
    expectProblem(await put('Late.', { if_version: 10 }), 'conflict');
    expect((await call('GET', '/versions')).json.data).toHaveLength(11);
  });

  test('the newest fifty are kept', async () => {
    const { call, put } = someone();
    for (let n = 1; n <= 52; n += 1) await put(`Text ${n}.`);
    const { data } = (await call('GET', '/versions?limit=100')).json;
    expect(data.map(({ version }: { version: number }) => version)).toEqual(
      Array.from({ length: 50 }, (_, n) => 52 - n),
    );
  });
});

describe('R25 the cap', () => {
  test('refuses a text over it, and each user may have a cap of their own', async () => {
    const { call, put } = someone();
    const long = 'word '.repeat(150);
    const refused = await put(long);
    expectProblem(refused, 'memory_too_long');
    expect(refused.json.detail).toContain('the cap is 100');
    await call('PUT', '/settings', { cap_tokens: 1000 });
    expect((await put(long)).json).toMatchObject({ cap_tokens: 1000, tokens: expect.any(Number) });
    expect((await call('GET', '/settings')).json).toEqual({ learn: true, recall: true, cap_tokens: 1000 });
  });
});

describe('forgetting', () => {
  test('deletes every version, and what was said until now is not learned any more', async () => {
    const { call, put } = someone();
    await put('Likes tea.');
    const agent = (await api.call('GET', '/agents')).json.data[0].name;
    const created = await api.call('POST', '/conversations', { body: { agent, user: `user ${users}` } });
    const id = created.json.id;
    await api.call('POST', `/conversations/${id}/messages`, { body: { content: 'I live in Paris.' } });
    expect((await call('DELETE')).status).toBe(204);
    expectProblem(await call('GET'), 'not_found');
    expect((await call('GET', '/versions')).json.data).toEqual([]);
    expectProblem(await call('DELETE'), 'not_found');
    const [conversation] = await api.database.asOperator((em) =>
      query(em, `select learned_sequence > 0 as learned from conversations where id = $1`, [id]),
    );
    expect(conversation).toEqual({ learned: true });
    await api.call('POST', `/conversations/${id}/messages`, { body: { content: 'I like trains.' } });
    // Nothing is remembered yet, but something is still to be learned.
    expect((await call('DELETE')).status).toBe(204);
    expectProblem(await call('DELETE'), 'not_found');
    // Numbers go on, so that nobody takes a new version for one that they have seen.
    expect((await put('Likes water.')).json.version).toBe(2);
  });

  test('what is learned from stays as it was: a line that is kept keeps what is known of it', async () => {
    const { call, put } = someone();
    await put('Likes tea.\nLives in Paris.');
    const before = (await call('GET')).json.facts;
    const after = (await put('Lives in Paris.\nLikes coffee.')).json.facts;
    expect(after[0]).toEqual(before[1]);
    expect(after[1]).toMatchObject({ line: 'Likes coffee.', source: 'written' });
  });
});

test('R25 the command line shows, goes back, chooses and forgets', async () => {
  const { put } = someone();
  const user = `user ${users}`;
  const run = (...args: string[]) => runCli(['memory', ...args], { url: api.url, key: api.tenant.key });
  await put('Likes tea.');
  await put('Likes coffee.');
  expect((await run('show', user)).out).toMatch(/^version 2, written, \d+ of 100 tokens\nLikes coffee\.\n$/);
  expect((await run('rollback', user)).out).toBe('version 3 has the text of version 1\n');
  expect((await run('versions', user)).out.split('\n')[0]).toMatch(/^ +3 .+ rolled_back \d+ tokens, back to 1$/);
  expect((await run('show', user, '--version', '2')).out).toContain('Likes coffee.');
  expect((await run('settings', user, '--learn', 'no', '--cap', '500')).out).toBe('learn no, recall yes, cap 500\n');
  expect((await run('settings', user, '--cap', 'none')).out).toBe('learn no, recall yes, cap none\n');
  expect((await run('forget', user)).code).toBe(0);
  expect(await run('show', user)).toMatchObject({ code: 1, err: expect.stringContaining('no such memory') });
  expect(await run('show')).toMatchObject({ code: 2, err: expect.stringContaining('Usage: perdure memory') });
  expect(await run('settings', user, '--learn', 'maybe')).toMatchObject({ code: 2 });
});
