import { beforeAll, describe, expect, test } from '@jest/globals';
import { createTenant, type Tenant } from '../support/api/create-tenant.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();

const call = async (method: string, path: string, body?: unknown) => {
  const answer = await api.call(method, path, body === undefined ? {} : { body });
  if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
};
const refusal = async (method: string, path: string, body: unknown) => {
  const answer = await api.call(method, path, { body });
  return { status: answer.status, code: answer.json.code, detail: answer.json.detail, errors: answer.json.errors };
};

let documents: string;
let names = 0;
const agentWith = (body: Record<string, unknown> = {}) =>
  call('POST', '/agents', { name: `agent ${(names += 1)}`, model: 'extractive', ...body });

beforeAll(async () => {
  documents = (await call('GET', '/rag-tools')).data.at(-1).id;
});

describe('the versions of an agent', () => {
  test('hold its whole configuration, each change one, and a former one can be restored as a new one', async () => {
    const tone = await call('POST', '/prompt-templates', { name: 'tone', type: 'system', template: 'Be kind.' });
    const first = await agentWith({
      system_prompt: 'One.',
      tools: [{ type: 'rag_tool', id: documents, use: 'on_demand', needs_approval: 'always' }],
      topics: ['leave', { name: 'invoices', keywords: ['bill'], tools: [{ type: 'rag_tool', id: documents }] }],
      prompt_templates: [tone.id],
      limits: { steps: 5, cost: { amount: '0.10', currency: 'EUR' } },
      on_busy: 'refuse',
    });
    expect(first).toMatchObject({
      version: 1,
      tools: [{ type: 'rag_tool', id: documents, use: 'on_demand', needs_approval: 'always' }],
      topics: [
        { name: 'leave', description: '', instructions: '', keywords: [], tools: [] },
        { name: 'invoices', keywords: ['bill'], tools: [{ type: 'rag_tool', id: documents }] },
      ],
      limits: { steps: 5, tokens: null, seconds: null, cost: { amount: '0.10', currency: 'EUR' } },
      on_busy: 'refuse',
      fallback_models: [],
    });
    const path = `/agents/${first.id}`;
    await call('PATCH', path, { system_prompt: 'Two.', tools: [], topics: [], prompt_templates: [] });
    await call('PATCH', path, { temperature: 1 });

    const { data } = await call('GET', `${path}/versions`);
    expect(data.map((row: { version: number }) => row.version)).toEqual([3, 2, 1]);
    const { id: _id, updated_at: _updated, created_at: _created, ...configuration } = first;
    expect(await call('GET', `${path}/versions/1`)).toEqual({ ...configuration, created_at: expect.any(String) });
    const page = await call('GET', `${path}/versions?limit=2`);
    const rest = await call('GET', `${path}/versions?limit=2&cursor=${page.next_cursor}`);
    expect([...page.data, ...rest.data]).toEqual(data);

    const restored = await call('POST', `${path}/versions/1/restore`);
    expect(restored).toMatchObject({ ...configuration, version: 4 });
    expect(await call('GET', path)).toEqual(restored);
    expect((await call('GET', `${path}/versions/4`)).system_prompt).toBe('One.');
    expectProblem(await api.call('GET', `${path}/versions/9`), 'not_found');
  });

  test('are all there when many change it at once, and the last is what it is', async () => {
    const { id } = await agentWith();
    const prompts = Array.from({ length: 10 }, (_, index) => `prompt ${index}`);
    await Promise.all(prompts.map((prompt) => call('PATCH', `/agents/${id}`, { system_prompt: prompt })));
    const { data } = await call('GET', `/agents/${id}/versions`);
    expect(data.map((row: { version: number }) => row.version)).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(new Set(data.map((row: { system_prompt: string }) => row.system_prompt))).toEqual(new Set(['', ...prompts]));
    expect((await call('GET', `/agents/${id}`)).system_prompt).toBe(data[0].system_prompt);
  });

  test('cannot be restored when what they refer to is gone', async () => {
    const model = await call('POST', '/models', {
      name: 'short-lived',
      kind: 'chat',
      provider: 'extractive',
      model_id: 'extractive',
    });
    const agent = await agentWith({ model: model.id });
    await call('PATCH', `/agents/${agent.id}`, { model: 'extractive' });
    await call('DELETE', `/models/${model.id}`);
    const answer = await refusal('POST', `/agents/${agent.id}/versions/1/restore`, {});
    expect(answer).toMatchObject({ status: 422, code: 'unknown_model' });
    expect(answer.detail).toContain('version 1.model');
    expect((await call('GET', `/agents/${agent.id}`)).version).toBe(2);
  });

  test('R29: nobody else sees them', async () => {
    const other: Tenant = await createTenant(api.database);
    const { id } = await agentWith();
    for (const [method, path] of [
      ['GET', `/agents/${id}/versions`],
      ['GET', `/agents/${id}/versions/1`],
      ['POST', `/agents/${id}/versions/1/restore`],
    ] as const)
      expectProblem(await api.call(method, path, { key: other.key }), 'not_found');
  });
});

describe('an agent is refused', () => {
  test.each([
    [{ tools: [{ type: 'tool', id: '00000000-0000-7000-8000-000000000000' }] }, 'body.tools.0.id', /no such tool/],
    [{ topics: ['a', 'a'] }, 'body.topics.1.name', /two topics "a"/],
    [
      { topics: [{ name: 'a', tools: [{ type: 'tool', id: '00000000-0000-7000-8000-000000000000' }] }] },
      'body.topics.0.tools.0.id',
      /add it to its tools first/,
    ],
    [{ fallback_models: ['all-MiniLM-L6-v2'] }, 'body.fallback_models.0', /is an embedding model/],
    [{ fallback_models: ['extractive', 'extractive'] }, 'body.fallback_models.1', /twice/],
    [{ limits: { cost: { amount: 'much', currency: 'EUR' } } }, 'body.limits.cost.amount', /decimal/],
    [{ on_busy: 'wait' }, 'body.on_busy', /queue/],
  ])('with %j, naming the place', async (fields, path, message) => {
    const answer = await refusal('POST', '/agents', { name: 'refused', model: 'extractive', ...fields });
    expect(answer.status).toBe(400);
    expect(answer.errors[0]).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  test('with the same tool twice, or a tool that is searched at a time that it does not have', async () => {
    const tool = { type: 'rag_tool', id: documents };
    const twice = await refusal('POST', '/agents', { name: 'x', model: 'extractive', tools: [tool, tool] });
    expect(twice.errors[0]).toMatchObject({ path: 'body.tools.1.id' });
    const { id } = await call('POST', '/retrieval-tools', { name: 'find' });
    const tools = [{ type: 'retrieval_tool', id, use: 'before' }];
    const used = await refusal('POST', '/agents', { name: 'x', model: 'extractive', tools });
    expect(used.errors[0]).toMatchObject({ path: 'body.tools.0.use' });
  });
});

describe('a prompt template', () => {
  const template = (body: Record<string, unknown>) => ({ name: `template ${(names += 1)}`, type: 'system', ...body });

  test.each([
    [{ template: 'Hello\n{{company}}' }, 'body.template', /\{\{company\}\} at line 2, column 1 is not declared/],
    [{ template: 'Hello', variables: ['company'] }, 'body.variables.0', /"company" is not used/],
    [
      { template: '{{a}}', variables: [{ name: 'a', type: 'number', default: 'many' }] },
      'body.variables.0.default',
      /must be a number/,
    ],
  ])('with a mistake is refused with its place: %j', async (fields, path, message) => {
    const answer = await refusal('POST', '/prompt-templates', template(fields));
    expect(answer.status).toBe(400);
    expect(answer.errors[0]).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  test('is checked as a whole when one part of it changes', async () => {
    const made = await call('POST', '/prompt-templates', template({ template: '{{a}}', variables: ['a'] }));
    expect(made.variables).toEqual([
      { name: 'a', type: 'string', required: true, default: null, values: [], description: '' },
    ]);
    const answer = await refusal('PATCH', `/prompt-templates/${made.id}`, { template: '{{b}}' });
    expect(answer.errors.map((error: { path: string }) => error.path)).toEqual(['body.template', 'body.variables.0']);
    expect((await call('GET', `/prompt-templates/${made.id}`)).version).toBe(1);
  });

  test('is the only default of its type: a second one is refused, and the first is named', async () => {
    const first = await call('POST', '/prompt-templates', template({ type: 'tool', template: 'x', is_default: true }));
    const second = template({ type: 'tool', template: 'y' });
    const refused = expect.stringContaining(`"${first.name}" is the default of the type tool already`);
    expect(await refusal('POST', '/prompt-templates', { ...second, is_default: true })).toMatchObject({
      status: 409,
      detail: refused,
    });
    const { id } = await call('POST', '/prompt-templates', second);
    const change = { is_default: true };
    expect(await refusal('PATCH', `/prompt-templates/${id}`, change)).toMatchObject({ status: 409, detail: refused });
    await call('PATCH', `/prompt-templates/${first.id}`, { is_default: false });
    expect(await call('PATCH', `/prompt-templates/${id}`, change)).toMatchObject(change);
    expect(await call('PATCH', `/prompt-templates/${id}`, change)).toMatchObject(change);
  });

  test('keeps its versions, and a former one can be restored as a new one', async () => {
    const made = await call('POST', '/prompt-templates', template({ template: 'one' }));
    const path = `/prompt-templates/${made.id}`;
    await call('PATCH', path, { description: 'no new version' });
    await call('PATCH', path, { template: 'two {{a}}', variables: ['a'] });
    const { data } = await call('GET', `${path}/versions`);
    expect(data.map((row: { version: number; template: string }) => [row.version, row.template])).toEqual([
      [2, 'two {{a}}'],
      [1, 'one'],
    ]);
    expect(await call('POST', `${path}/versions/1/restore`)).toMatchObject({
      version: 3,
      template: 'one',
      variables: [],
      description: 'no new version',
    });
    const other = await createTenant(api.database);
    expectProblem(await api.call('GET', `${path}/versions/1`, { key: other.key }), 'not_found');
  });
});

test('a message whose templates lack a value is refused at once, and nothing of it is kept', async () => {
  const tone = await call('POST', '/prompt-templates', {
    name: 'customer tone',
    type: 'system',
    template: 'You serve {{customer.name}}, size {{size}}.',
    variables: ['customer.name', { name: 'size', type: 'enum', values: ['small', 'large'] }],
  });
  const agent = await agentWith({ prompt_templates: [tone.id] });
  const { id } = await call('POST', '/conversations', { agent: agent.id, metadata: { size: 'huge' } });
  const send = (content: string) => refusal('POST', `/conversations/${id}/messages`, { content });
  expect(await send('Hello')).toMatchObject({
    status: 422,
    code: 'prompt_variable_missing',
    detail:
      '{{customer.name}} of the prompt template "customer tone" has no value; {{size}} of the prompt template ' +
      '"customer tone" is "huge" and must be one of small, large. Set it in the conversation\'s metadata, or give the ' +
      'variable a default.',
  });
  expect((await call('GET', `/conversations/${id}/messages`)).data).toEqual([]);
  await call('PATCH', `/conversations/${id}`, { metadata: { size: 'small', customer: { name: 'Ada' } } });
  expect((await send('Hello')).status).toBe(202);
});
