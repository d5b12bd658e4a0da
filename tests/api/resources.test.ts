import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { closedRoutes } from '../support/api/every-route.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();

const resources = [
  '/agents',
  '/models',
  '/prompt-templates',
  '/knowledge-sources',
  '/rag-tools',
  '/retrieval-tools',
  '/tools',
];
const example = (method: string, path: string) =>
  structuredClone(closedRoutes.find(([name]) => name === `${method} ${path}`)![1].example) as Record<string, unknown>;

let names = 0;
const create = async (path: string, changes: Record<string, unknown> = {}) => {
  const answer = await api.call('POST', path, {
    body: { ...example('POST', path), name: `name ${(names += 1)}`, ...changes },
  });
  expect({ path, status: answer.status, detail: answer.json.detail }).toEqual({ path, status: 201, detail: undefined });
  return answer.json;
};

describe.each(resources)('%s', (path) => {
  test('creates, shows, lists, changes and deletes', async () => {
    const made = await create(path);
    expect((await api.call('GET', `${path}/${made.id}`)).json).toEqual(made);
    expect((await api.call('GET', path)).json.data[0]).toEqual(made);
    const changed = await api.call('PATCH', `${path}/${made.id}`, { body: example('PATCH', `${path}/{id}`) });
    expect(changed.json).toMatchObject(example('PATCH', `${path}/{id}`));
    expect((await api.call('GET', `${path}/${made.id}`)).json).toEqual(changed.json);
    expect((await api.call('DELETE', `${path}/${made.id}`)).status).toBe(204);
    expectProblem(await api.call('GET', `${path}/${made.id}`), 'not_found');
    expectProblem(await api.call('PATCH', `${path}/${made.id}`, { body: {} }), 'not_found');
    expect((await api.call('GET', path)).text).not.toContain(made.id);
  });

  test('has one of a name, which is free again once that is deleted', async () => {
    const { id, name } = await create(path);
    expectProblem(await api.call('POST', path, { body: { ...example('POST', path), name } }), 'conflict');
    const other = await create(path);
    expectProblem(await api.call('PATCH', `${path}/${other.id}`, { body: { name } }), 'conflict');
    await api.call('DELETE', `${path}/${id}`);
    await create(path, { name });
  });

  test('pages through everything once, newest first', async () => {
    for (let index = 0; index < 3; index += 1) await create(path);
    const all = (await api.call('GET', `${path}?limit=200`)).json.data.map((item: { id: string }) => item.id);
    const found = [];
    let cursor = '';
    do {
      const { json } = await api.call('GET', `${path}?limit=2${cursor && `&cursor=${cursor}`}`);
      found.push(...json.data.map((item: { id: string }) => item.id));
      cursor = json.next_cursor;
    } while (cursor);
    expect(found).toEqual(all);
    expect(all).toEqual(all.toSorted().toReversed());
  });
});

describe('what is secret', () => {
  test.each([
    ['/models', 'api_key', 'has_api_key', 'api_key'],
    ['/knowledge-sources', 'connection_string', 'has_connection_string', 'connection_string'],
  ])('%s never shows its %s, and stores it sealed', async (path, field, shown, column) => {
    const secret = 'sk-very-secret-4711';
    const made = await create(path, { [field]: secret });
    expect(made).toMatchObject({ [shown]: true });
    const answers = [
      await api.call('GET', path),
      await api.call('GET', `${path}/${made.id}`),
      await api.call('PATCH', `${path}/${made.id}`, { body: { [field]: `${secret}-2` } }),
    ];
    for (const { text } of answers) expect(text).not.toContain('very-secret');
    const table = path.slice(1).replace('-', '_');
    const [row] = await api.database.asOperator((em) =>
      query<{ stored: string }>(em, `select ${column} as stored from ${table} where id = $1`, [made.id]),
    );
    expect(row!.stored).toMatch(/^sealed:/);
    const removed = await api.call('PATCH', `${path}/${made.id}`, { body: { [field]: null } });
    expect(removed.json).toMatchObject({ [shown]: false });
    const kept = await api.call('PATCH', `${path}/${made.id}`, { body: { name: `name ${(names += 1)}` } });
    expect(kept.json).toMatchObject({ [shown]: false });
  });
});

describe('what is in use', () => {
  test('cannot be deleted: models, templates, sources and tools', async () => {
    const model = await create('/models', { kind: 'chat' });
    const template = await create('/prompt-templates');
    const source = await create('/knowledge-sources');
    const tool = await create('/rag-tools', { knowledge_source: source.id });
    const agent = await create('/agents', {
      model: model.id,
      prompt_templates: [template.id],
      tools: [{ type: 'rag_tool', id: tool.id }],
    });
    const used = [`/models/${model.id}`, `/prompt-templates/${template.id}`, `/rag-tools/${tool.id}`];
    for (const address of used) {
      const answer = await api.call('DELETE', address);
      expectProblem(answer, 'conflict');
      expect(answer.json.detail).toContain(agent.name);
    }
    expectProblem(await api.call('DELETE', `/knowledge-sources/${source.id}`), 'conflict');
    expect((await api.call('DELETE', `/agents/${agent.id}`)).status).toBe(204);
    for (const address of [...used, `/knowledge-sources/${source.id}`])
      expect((await api.call('DELETE', address)).status).toBe(204);
  });

  test('an agent with conversations stays until they are archived', async () => {
    const agent = await create('/agents');
    const conversation = await api.call('POST', '/conversations', { body: { agent: agent.name } });
    expectProblem(await api.call('DELETE', `/agents/${agent.id}`), 'conflict');
    await api.call('PATCH', `/conversations/${conversation.json.id}`, { body: { is_archived: true } });
    expect((await api.call('DELETE', `/agents/${agent.id}`)).status).toBe(204);
  });
});

test('an agent’s version rises with each change, a template’s with each change of its text', async () => {
  const agent = await create('/agents');
  expect((await api.call('PATCH', `/agents/${agent.id}`, { body: { temperature: 1 } })).json.version).toBe(2);
  const template = await create('/prompt-templates');
  const address = `/prompt-templates/${template.id}`;
  expect((await api.call('PATCH', address, { body: { description: 'x' } })).json.version).toBe(1);
  expect((await api.call('PATCH', address, { body: { template: 'other words', variables: [] } })).json.version).toBe(2);
});

test('an agent keeps its templates in their order', async () => {
  const templates = [(await create('/prompt-templates')).id, (await create('/prompt-templates')).id].toReversed();
  const agent = await create('/agents', { prompt_templates: templates });
  expect(agent.prompt_templates).toEqual(templates);
});

test('there is one default template of a type', async () => {
  await create('/prompt-templates', { type: 'user', is_default: true });
  const body = { name: 'second', type: 'user', template: 'x', is_default: true };
  expectProblem(await api.call('POST', '/prompt-templates', { body }), 'conflict');
});

test('an embedding model has its own place for vectors as soon as it is there', async () => {
  const { id } = await create('/models', { kind: 'embedding', dimensions: 1536, pricing: {} });
  const partition = `chunk_embeddings_${id.replaceAll('-', '')}`;
  const rows = await api.database.asOperator((em) =>
    query<{ indexdef: string }>(em, 'select indexdef from pg_indexes where tablename = $1', [partition]),
  );
  expect(rows.some((row) => row.indexdef.includes('content_hash'))).toBe(true);
});

test.each([
  ['/agents', { model: 'all-MiniLM-L6-v2' }, 'body.model'],
  ['/rag-tools', { embedding_model: 'extractive' }, 'body.embedding_model'],
  ['/rag-tools', { chunk_size: 100, chunk_overlap: 100 }, 'body.chunk_overlap'],
  ['/rag-tools', { chunk_size: 255 }, 'body.chunk_size'],
  ['/models', { kind: 'embedding' }, 'body.dimensions'],
  ['/models', { pricing: { input_per_million: '1' } }, 'body.pricing'],
])('%s refuses %j', async (path, changes, where) => {
  const answer = await api.call('POST', path, { body: { ...example('POST', path), name: 'refused', ...changes } });
  expectProblem(answer, 'bad_request');
  expect(answer.json.errors[0].path).toBe(where);
});

test('a memory is one row a user, whoever writes it and however often at once', async () => {
  const write = (memory: string) => api.call('PUT', '/users/ada%20l/memory', { body: { memory } });
  expectProblem(await api.call('GET', '/users/ada%20l/memory'), 'not_found');
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => write(`memory ${index}`)));
  expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 20 }, () => 200));
  const { json } = await write('the last one');
  expect(json).toMatchObject({ user: 'ada l', memory: 'the last one', metadata: {} });
  const rows = await api.database.asOperator((em) =>
    query(em, 'select 1 from user_memories where workspace_id = $1', [api.tenant.workspaceId]),
  );
  expect(rows).toHaveLength(1);
  const asGrace = { headers: { 'x-perdure-user': 'grace' } };
  expectProblem(await api.call('GET', '/users/ada%20l/memory', asGrace), 'not_found');
  expect((await api.call('DELETE', '/users/ada%20l/memory')).status).toBe(204);
  expectProblem(await api.call('DELETE', '/users/ada%20l/memory'), 'not_found');
});

test('R27: usage is summed by model, agent, user and day, and what is unknown is not taken for zero', async () => {
  const agent = (await api.call('GET', '/agents')).json.data.at(-1);
  const insert = (tokens: number | null, cost: string | null, at: string) =>
    api.database.asOperator((em) =>
      query(
        em,
        `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, state, prompt_tokens,
           completion_tokens, total_tokens, cost, currency, "timestamp")
         values (gen_random_uuid(), $1, 'agent', $2, $3, 'settled', $4::int, $4::int, $4::int * 2, $5,
           case when $5::numeric is not null then 'USD' end, $6)`,
        [api.tenant.workspaceId, agent.id, agent.model_id, tokens, cost, at],
      ),
    );
  await insert(10, '0.5', '2026-03-01T22:30:00Z');
  await insert(20, '0.25', '2026-03-01T23:30:00Z');
  await insert(null, null, '2026-03-02T12:00:00Z');
  const usage = async (search: string) => (await api.call('GET', `/usage?${search}`)).json.data;
  expect(await usage('group_by=agent')).toEqual([
    {
      key: agent.id,
      name: agent.name,
      calls: 3,
      unknown_calls: 1,
      prompt_tokens: 30,
      completion_tokens: 30,
      total_tokens: 60,
      costs: [{ currency: 'USD', amount: '0.7500000000' }],
    },
  ]);
  const days = async (zone: string) =>
    (await usage(`group_by=day&time_zone=${zone}`)).map((day: { key: string; calls: number }) => [day.key, day.calls]);
  expect(await days('UTC')).toEqual([
    ['2026-03-01', 2],
    ['2026-03-02', 1],
  ]);
  expect(await days('Europe/Zurich')).toEqual([
    ['2026-03-01', 1],
    ['2026-03-02', 2],
  ]);
  expect(await usage('from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z')).toMatchObject([
    { calls: 1, unknown_calls: 1 },
  ]);
  expectProblem(await api.call('GET', '/usage?time_zone=Mars/Olympus'), 'bad_request');
});
