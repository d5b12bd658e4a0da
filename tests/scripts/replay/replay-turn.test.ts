import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import type { ToolResolver } from '../../../activities/conversation/conversation-deps.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { createProviders } from '../../../providers/registry.ts';
import { replayTurn, type ReplayChanges, type ReplayedStep } from '../../../scripts/replay/replay-turn.ts';
import { effectTool, offerTools } from '../../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { testServers } from '../../support/servers/test-servers.ts';
import { testTemporal } from '../../support/servers/test-temporal.ts';
import { startConversationWorker, type ConversationWorker } from '../../support/workspaces/conversation-worker.ts';
import { createConversation, createWorkspace } from '../../support/workspaces/create-workspace.ts';
import { turnClient } from '../../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const rows = testDatabase();
const temporal = testTemporal();
let database: Database;
let provider: FakeProvider;
let service: EffectService;
let connection: Connection;
let worker: ConversationWorker;
let tools: ToolResolver;
let workspaceId: string;
let turnId: string;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  provider = await startFakeProvider();
  service = await startEffectService();
  connection = await Connection.connect({ address: temporal.address });
  tools = offerTools([effectTool({ name: 'stock', url: `${service.url}/stock`, effect: 'read' })]);
  worker = await startConversationWorker(database, temporal, { tools });
  const workspace = await createWorkspace(database, { endpoint: provider.url });
  ({ workspaceId } = workspace);
  await database.inWorkspace(workspaceId, (em) =>
    query(em, `update models set capabilities = '{"supportsTools": true}' where id = $1`, [workspace.modelId]),
  );
  const client = new Client({ connection, namespace: temporal.namespace });
  const chat = turnClient(database, client, workspace, await createConversation(database, workspace));
  provider.control({
    script: [
      { answer: 'Good day.' },
      { answer: 'Let me see.', toolCalls: [{ name: 'stock', arguments: { note: 'tea' } }] },
      { answer: 'There are nine.' },
    ],
  });
  await chat.ended(await chat.send('Hello'));
  turnId = await chat.send('How many?');
  await chat.ended(turnId);
});
afterEach(() => provider.control({ reset: true }));
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
  await provider?.stop();
  await service?.stop();
  await database?.close();
});

async function replay(changes: ReplayChanges): Promise<ReplayedStep[]> {
  const providers = createProviders({ modelDirectory: testServers().modelDirectory });
  const deps = {
    database,
    tools,
    chatModel: (model: Parameters<typeof providers.chatModel>[0]) => providers.chatModel({ ...model, apiKey: 'test' }),
  };
  try {
    const steps: ReplayedStep[] = [];
    for await (const step of replayTurn(deps, turnId, changes)) steps.push(step);
    return steps;
  } finally {
    await providers.close();
  }
}

const pairs = (steps: ReplayedStep[]) => steps.flatMap(({ compared }) => compared.map(({ was, is }) => [was, is]));

describe('a turn that is run again', () => {
  test('has the same prompts, and calls neither model nor tool', async () => {
    provider.control({ reset: true });
    const called = service.log().length;
    const steps = await replay({});
    expect(steps.map(({ step, kind, compared }) => [step, kind, compared.map(({ what }) => what)])).toEqual([
      [0, 'model', ['prompt', 'hash']],
      [1, 'model', ['prompt', 'hash']],
    ]);
    for (const [was, is] of pairs(steps)) expect(is).toBe(was);
    expect(pairs(steps)[2]![0]).toMatch(/Good day\.[\s\S]*How many\?[\s\S]*→ stock/);
    expect([provider.log().length, service.log().length]).toEqual([0, called]);
  });

  test('shows an agent that has changed, and knows a message that has changed by the hash', async () => {
    const change = (sql: string) => database.inWorkspace(workspaceId, (em) => query(em, sql));
    await change(`update agents set system_prompt = 'Be long.'`);
    const [agent] = pairs(await replay({}));
    await change(`update agents set system_prompt = 'Be brief.'`);
    expect([agent![0]!.includes('Be brief.'), agent![1]!.includes('Be long.')]).toEqual([true, true]);

    await change(`update messages set content = 'Good night.' where content = 'Good day.'`);
    const [prompt, hash] = pairs(await replay({}));
    await change(`update messages set content = 'Good day.' where content = 'Good night.'`);
    expect(prompt![0]).toBe(prompt![1]);
    expect(hash![0]).not.toBe(hash![1]);
  });

  test('with another prompt asks the model, and tells what it says now', async () => {
    provider.control({
      script: [
        { answer: 'Let me see.', toolCalls: [{ name: 'stock', arguments: { note: 'tea' } }] },
        { answer: 'Nine, sir.' },
      ],
    });
    const [first, second] = pairs(await replay({ systemPrompt: 'Be a butler.' }));
    expect(first![0]).toBe(first![1]);
    expect(second).toEqual(['There are nine.', 'Nine, sir.']);
    const calls = provider.log();
    expect(calls).toHaveLength(2);
    // What it cost is in the usage of the agent, by the provider's own figures, and in that of no turn.
    const paid = await database.inWorkspace(workspaceId, (em) =>
      query(
        em,
        `select id, state, total_tokens, cost is not null as priced from usage_metrics
         where turn_id is null and entity_type = 'agent' order by id`,
      ),
    );
    expect(paid).toEqual(
      calls.map(({ idempotencyKey: id, promptTokens, completionTokens }) => ({
        ...{ id, state: 'settled', total_tokens: promptTokens + completionTokens, priced: true },
      })),
    );
  });

  test('with a model that there is not says so', async () => {
    await expect(replay({ model: 'gpt-0' })).rejects.toThrow('There is no chat model "gpt-0"');
  });
});
