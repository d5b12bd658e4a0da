import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import type { StoredModel } from '../../entities/agents/stored-model.ts';
import { createToolResolver } from '../../activities/conversation/tools/resolve-tools.ts';
import type { Citation } from '../../contracts/message.ts';
import { keepToolVersion } from '../../entities/agents/tool-version-repository.ts';
import { listCitations } from '../../entities/conversations/turn-repository.ts';
import { createAddressPolicy } from '../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../providers/fetch/guarded-fetch.ts';
import { createProviders } from '../../providers/registry.ts';
import { describeBuiltin } from '../../providers/tools/open-tool.ts';
import { createToolWorkshop } from '../../providers/tools/create-tool-workshop.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { createConversation } from '../support/workspaces/create-workspace.ts';
import { ingestHarness } from '../support/workspaces/ingest-harness.ts';
import { turnClient } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const harness = ingestHarness();
const temporal = testTemporal();
const providers = createProviders({ modelDirectory: '' });
let connection: Connection;
let worker: ConversationWorker;
let service: EffectService;

beforeAll(async () => {
  connection = await Connection.connect({ address: temporal.address });
  service = await startEffectService();
  const opened = (model: StoredModel) => ({ ...model, apiKey: 'test' });
  const tools = createToolResolver({
    database: harness.database,
    chatModel: (model) => providers.chatModel(opened(model)),
    embeddingModel: (model) => providers.embeddingModel(opened(model)),
    workshop: createToolWorkshop({
      fetch: createGuardedFetch(createAddressPolicy(['127.0.0.0/8']), 'perdure-test'),
      now: () => new Date('2026-11-22T12:00:00Z'),
      openSealed: (sealed) => sealed.slice('sealed:'.length),
    }),
  });
  worker = await startConversationWorker(harness.database, temporal, { tools });
});
afterAll(async () => {
  await worker?.stop();
  await service?.stop();
  await connection?.close();
});

/** An agent of the test's workspace that has these rows of `tools`, and a RAG tool to search with on demand. */
async function agentWith(
  tools: { name: string; type: 'api' | 'builtin'; configuration: object; parameters: object }[],
) {
  const { workspace } = harness;
  const { workspaceId } = workspace;
  const ids = { workspaceId, userId: v7(), modelId: v7(), agentId: v7() };
  await workspace.query(`insert into users (id, workspace_id, external_id) values ($1, $2, 'ada')`, [
    ids.userId,
    workspaceId,
  ]);
  await workspace.query(
    `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, capabilities)
     values ($1, $2, 'chat', 'chat', 'openai', 'fake', $3, '{"supportsTools": true}')`,
    [ids.modelId, workspaceId, harness.provider.url],
  );
  await workspace.query(`insert into agents (id, workspace_id, name, model_id) values ($1, $2, 'agent', $3)`, [
    ids.agentId,
    workspaceId,
    ids.modelId,
  ]);
  await workspace.query(
    `insert into agent_tools (agent_id, workspace_id, position, tool_type, rag_tool_id, use)
     select $1, $2, 0, 'rag_tool', id, 'on_demand' from rag_tools`,
    [ids.agentId, workspaceId],
  );
  for (const [index, { name, type, configuration, parameters }] of tools.entries()) {
    const id = v7();
    await workspace.query(
      `insert into tools (id, workspace_id, name, type, configuration, parameters, effect, credentials)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        ...[id, workspaceId, name, type, JSON.stringify(configuration), JSON.stringify(parameters)],
        ...(type === 'api' ? ['write', 'sealed:{"type":"bearer","token":"tok-s3cret"}'] : ['read', null]),
      ],
    );
    await harness.database.inWorkspace(workspaceId, (em) => keepToolVersion(em, id));
    await workspace.query(
      `insert into agent_tools (agent_id, workspace_id, position, tool_type, tool_id) values ($1, $2, $3, 'tool', $4)`,
      [ids.agentId, workspaceId, index + 1, id],
    );
  }
  const client = new Client({ connection, namespace: temporal.namespace });
  return turnClient(harness.database, client, ids, await createConversation(harness.database, ids));
}

test('a turn searches, computes, tells the time and calls a service, all at once, and its answer cites', async () => {
  const key = await harness.ingest({
    title: 'Manual',
    bytes: Buffer.from('The pump is primed with two litres of water.'),
  });
  const note = { type: 'object', properties: { id: { type: 'string' }, note: { type: 'string' } }, required: ['id'] };
  const chat = await agentWith([
    {
      name: 'calculator',
      type: 'builtin',
      configuration: { builtin: 'calculator' },
      parameters: describeBuiltin('calculator').parameters,
    },
    {
      name: 'clock',
      type: 'builtin',
      configuration: { builtin: 'current_time', time_zone: 'UTC' },
      parameters: describeBuiltin('current_time').parameters,
    },
    {
      name: 'order pump',
      type: 'api',
      configuration: { method: 'POST', url: `${service.url}/orders/{id}` },
      parameters: note,
    },
  ]);
  harness.provider.control({
    script: [
      {
        toolCalls: [
          { name: 'search_documents', arguments: { query: 'How is the pump primed?' } },
          { name: 'calculator', arguments: { expression: '0.1 + 0.2' } },
          { name: 'clock', arguments: {} },
          { name: 'order_pump', arguments: { id: '../x', note: 'soon' } },
        ],
      },
      { on: 'chat', answer: 'It is "primed with two litres of water" [1].' },
    ],
  });
  const turnId = await chat.send('How is it primed?');
  expect(await chat.ended(turnId, 60_000)).toMatchObject({ state: 'completed', attempt: 1 });

  const calls = await chat.calls(turnId);
  expect(calls.map(({ tool_name, state, attempts }) => [tool_name, state, attempts])).toEqual([
    ['search_documents', 'succeeded', 1],
    ['calculator', 'succeeded', 1],
    ['clock', 'succeeded', 1],
    ['order_pump', 'succeeded', 1],
  ]);
  expect(calls[1]!.result).toBe('0.3');
  expect(calls[2]!.result).toBe('2026-11-22T12:00:00+00:00 (Sunday, UTC)');
  expect(service.log()).toEqual([
    expect.objectContaining({
      method: 'POST',
      path: '/orders/..%2Fx',
      idempotencyKey: calls[3]!.id,
      body: '{"note":"soon"}',
    }),
  ]);
  expect(await chat.promptOf(turnId, 1)).toContain('two litres of water');
  const answer = (await chat.messages()).at(-1)!;
  const [citation] = (await harness.database.inWorkspace(harness.workspace.workspaceId, (em) =>
    listCitations(em, [answer.id]),
  )) as Citation[];
  expect(citation).toMatchObject({
    document_id: key.documentId,
    title: 'Manual',
    quote: 'primed with two litres of water',
  });
  const stored = await harness.workspace.query<{ all: string }>(
    `select (select jsonb_agg(e)::text from turn_events e) || (select jsonb_agg(c)::text from tool_calls c) ||
            (select jsonb_agg(s)::text from turn_steps s) as all`,
    [],
  );
  expect(stored[0]!.all).not.toContain('tok-s3cret');
});
