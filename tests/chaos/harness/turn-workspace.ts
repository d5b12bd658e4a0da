import type { ProxiedStack } from './proxied-stack.ts';

const textField = { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] };
const never = { mode: 'never' };

/** Makes an agent whose model calls three tools of the effect service at once after each question; returns its id. */
export async function prepareTurnWorkspace(stack: ProxiedStack): Promise<string> {
  const { api, effects } = stack;
  const create = (path: string, body: object, name: string) =>
    api.request<{ id: string }>('POST', path, { name, ...body }, `turns${path}-${name}`);
  const tool = (name: string, method: string, path: string, rest: object) => {
    const configuration = { method, url: `${effects.url}${path}` };
    return create(
      '/tools',
      { type: 'api', description: `Test ${name}`, configuration, parameters: textField, ...rest },
      name,
    );
  };
  const tools = [
    await tool('look_up', 'GET', '/stock', { approval: never }),
    await tool('book', 'POST', '/repeatable/booking', { idempotent: true, approval: never }),
    await tool('pay', 'POST', '/payment', { idempotent: false, approval: { mode: 'always' } }),
  ];
  const model = await create(
    '/models',
    {
      kind: 'chat',
      provider: 'openai',
      model_id: 'fake?tool=look_up,book,pay&tokens=60&tokenMs=20&firstTokenMs=20',
      endpoint: stack.providerUrl,
      pricing: { input_per_million: '1', output_per_million: '2', currency: 'USD' },
    },
    'chaos-turns',
  );
  const agent = await create(
    '/agents',
    { system_prompt: 'Be brief.', model: model.id, tools: tools.map(({ id }) => ({ type: 'tool', id })) },
    'chaos-turns',
  );
  return agent.id;
}

/** Makes an agent without tools whose answers of so many tokens are streamed, 40 a second; returns its id. */
export async function prepareStreamingAgent({ api, providerUrl }: ProxiedStack, tokens: number): Promise<string> {
  const name = `chaos-streams-${tokens}`;
  const model = await api.request<{ id: string }>(
    'POST',
    '/models',
    {
      ...{ name, kind: 'chat', provider: 'openai', endpoint: providerUrl },
      model_id: `fake?tokens=${tokens}&tokenMs=25&firstTokenMs=20`,
      pricing: { input_per_million: '1', output_per_million: '2', currency: 'USD' },
    },
    `model-${name}`,
  );
  const agent = await api.request<{ id: string }>(
    'POST',
    '/agents',
    { name, system_prompt: 'Be brief.', model: model.id },
    `agent-${name}`,
  );
  return agent.id;
}
