import { beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createTenant, type Tenant } from '../support/api/create-tenant.ts';
import { addressOf, closedRoutes } from '../support/api/every-route.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
// A PUT makes what does not exist; it has a test of its own.
const withId = closedRoutes.filter(([, route]) => route.params !== undefined && route.method !== 'PUT');

// Work that goes on after the answer.
const acceptedLater = ['/documents', '/evaluations'];

let other: Tenant;
/** By the first part of its path: the id of a resource that the other workspace has. */
const foreign: Record<string, string> = {};

beforeAll(async () => {
  other = await createTenant(api.database);
  const create = async (path: string, body: unknown) => {
    const answer = await api.call('POST', path, { key: other.key, body });
    expect({ path, status: answer.status }).toEqual({ path, status: acceptedLater.includes(path) ? 202 : 201 });
    return answer.json;
  };
  for (const [, { method, path, example }] of closedRoutes)
    if (method === 'POST' && closedRoutes.some(([, route]) => route.path === `${path}/{id}`) && path !== '/documents')
      foreign[path] = (await create(path, example)).id;
  const accepted = await create('/documents', { text: 'A secret of the other workspace.', path: 'secret.txt' });
  foreign['/documents'] = accepted.document.id;
  foreign['/ingestion-jobs'] = accepted.job.id;
  const message = await api.call('POST', `/conversations/${foreign['/conversations']}/messages`, {
    key: other.key,
    body: { content: 'A secret question' },
  });
  foreign['/turns'] = message.json.turn.id;
  foreign['/messages'] = message.json.message.id;
  foreign['/tool-calls'] = uuidV7();
  await api.database.inWorkspace(other.workspaceId, (em) =>
    query(
      em,
      `insert into tool_calls (id, workspace_id, conversation_id, turn_id, step, position, provider_call_id, tool_name,
         effect, idempotent, timeout_ms, max_result_bytes, arguments, arguments_hash, state)
       select $1, workspace_id, conversation_id, id, 0, 0, 'call_1', 'pay', 'write', false, 1000, 1000,
              '{"note": "secret"}', repeat('0', 64), 'proposed'
       from turns where id = $2`,
      [foreign['/tool-calls'], foreign['/turns']],
    ),
  );
  const sent = await api.call('POST', `/webhooks/${foreign['/webhooks']}/test`, { key: other.key });
  foreign['/webhook-deliveries'] = sent.json.id;
  await api.call('PUT', '/budgets/hidden-month', { key: other.key, body: { amount: 10 } });
  foreign['/budgets'] = 'hidden-month';
  await api.call('PUT', '/users/grace/memory', { key: other.key, body: { memory: 'A secret memory' } });
  foreign['/users'] = 'grace';
});

describe.each(withId)('%s', (_name, route) => {
  const resource = `/${route.path.split('/')[1]}`;
  const send = (id: string) =>
    api.call(route.method, addressOf(route, id), route.body ? { body: route.example ?? {} } : {});
  const look = async () => {
    const one = closedRoutes.find(([, { method, path }]) => method === 'GET' && path.startsWith(`${resource}/{`));
    if (one === undefined) return undefined;
    const { json } = await api.call('GET', addressOf(one[1], foreign[resource]), { key: other.key });
    // What belongs to no workspace, such as a schedule, is not found there either.
    return { ...json, request_id: undefined };
  };

  test('answers 404 when another workspace has the id, and changes nothing there', async () => {
    const before = await look();
    const answer = await send(foreign[resource]!);
    expectProblem(answer, 'not_found');
    expect(answer.text).not.toMatch(/secret/i);
    expect(await look()).toEqual(before);
  });

  test.each([
    ['nobody has the id', '00000000-0000-7000-8000-000000000000'],
    ['the id is none', 'not-an-id'],
  ])('answers 404 when %s', async (_case, id) => {
    expectProblem(await send(id), 'not_found');
  });
});

test('a memory that is written for a user of the same name belongs to the workspace that wrote it', async () => {
  const { key } = await createTenant(api.database);
  await api.call('PUT', '/users/grace/memory', { key, body: { memory: 'ours' } });
  const theirs = await api.call('GET', '/users/grace/memory', { key: other.key });
  const ours = await api.call('GET', '/users/grace/memory', { key });
  expect([theirs.json.memory, ours.json.memory]).toEqual(['A secret memory', 'ours']);
});

describe('a body that names what only another workspace has', () => {
  test.each([
    ['/rag-tools', 'knowledge_source', '/knowledge-sources', { name: 'a', embedding_model: 'all-MiniLM-L6-v2' }],
    ['/rag-tools', 'embedding_model', '/models', { name: 'b' }],
    ['/retrieval-tools', 'knowledge_source', '/knowledge-sources', { name: 'c' }],
    ['/agents', 'model', '/models', { name: 'd' }],
    ['/conversations', 'agent', '/agents', {}],
    ['/documents', 'knowledge_source', '/knowledge-sources', { text: 'words' }],
    ['/search', 'rag_tool', '/rag-tools', { query: 'words' }],
    ['/search', 'retrieval_tool', '/retrieval-tools', { query: 'words' }],
  ])('POST %s refuses its %s', async (path, field, resource, body) => {
    const answer = await api.call('POST', path, { body: { ...body, [field]: foreign[resource] } });
    expectProblem(answer, resource === '/models' ? 'unknown_model' : 'bad_request');
    expect(answer.json.errors).toEqual([{ path: `body.${field}`, message: expect.stringContaining('there is no') }]);
  });

  test('POST /agents refuses tools and templates', async () => {
    const agent = { name: 'e', model: 'extractive' };
    const tools = [{ type: 'rag_tool', id: foreign['/rag-tools'] }];
    expectProblem(await api.call('POST', '/agents', { body: { ...agent, tools } }), 'bad_request');
    const templates = [foreign['/prompt-templates']];
    const answer = await api.call('POST', '/agents', { body: { ...agent, prompt_templates: templates } });
    expectProblem(answer, 'bad_request');
    expect((await api.call('GET', '/agents')).json.data).toHaveLength(1);
  });
});

test('lists, search, usage and status show nothing of another workspace', async () => {
  const { key } = await createTenant(api.database);
  for (const [name, route] of closedRoutes) {
    if (route.method !== 'GET' || route.params || /openapi|docs|metrics/.test(route.path)) continue;
    const { text } = await api.call('GET', route.path, { key });
    for (const id of Object.values(foreign)) expect({ name, leaks: text.includes(id) }).toEqual({ name, leaks: false });
  }
  const found = await api.call('POST', '/search', { key, body: { query: 'secret', strategy: 'text' } });
  expect(found.json).toMatchObject({ hits: [] });
});
