import type { ProxiedStack } from './proxied-stack.ts';

const textField = { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] };
const never = { mode: 'never' };

/** The tools that the effect service has for turns. */
export const turnTools = ['look_up', 'book', 'pay'] as const;

/**
 * Makes an agent whose model calls these tools of the effect service at once after each question; returns its id. `look_up`
 * reads, `book` may be repeated, `pay` waits for a person.
 */
export async function prepareTurnWorkspace(
  stack: ProxiedStack,
  names: ReadonlyArray<(typeof turnTools)[number]>,
): Promise<string> {
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
  const makers = {
    look_up: () => tool('look_up', 'GET', '/stock', { approval: never }),
    book: () => tool('book', 'POST', '/repeatable/booking', { idempotent: true, approval: never }),
    pay: () => tool('pay', 'POST', '/payment', { idempotent: false, approval: { mode: 'always' } }),
  };
  const tools = await Promise.all(names.map((name) => makers[name]()));
  const agentName = `chaos-turns-${names.join('-')}`;
  const model = await create(
    '/models',
    {
      kind: 'chat',
      provider: 'openai',
      model_id: `fake?tool=${names.join(',')}&tokens=60&tokenMs=20&firstTokenMs=20`,
      endpoint: stack.providerUrl,
      pricing: { input_per_million: '1', output_per_million: '2', currency: 'USD' },
    },
    agentName,
  );
  const agent = await create(
    '/agents',
    { system_prompt: 'Be brief.', model: model.id, tools: tools.map(({ id }) => ({ type: 'tool', id })) },
    agentName,
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
