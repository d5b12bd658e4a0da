import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { acceptAgain } from '../../entities/conversations/accept-again.ts';
import { acceptMessage } from '../../entities/conversations/conversation-repository.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { effectTool } from '../support/effect-service/effect-tool.ts';
import type { EffectService } from '../support/effect-service/start-effect-service.ts';
import { textsOf } from '../support/texts-of.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';

jest.setTimeout(120_000);

/** Tools that read whatever rows they are let to see: what keeps workspaces apart is not their own statements. */
function openTools(service: EffectService) {
  const pay = effectTool({ name: 'pay', url: `${service.url}/pay`, effect: 'write', approval: { mode: 'always' } });
  const recall = effectTool({ name: 'recall', url: `${service.url}/recall`, effect: 'read' });
  const seen = `select string_agg(memory, ' ') || ' ' || (select string_agg(title, ' ') from documents) as text
                from user_memories`;
  const tools = {
    pay,
    recall: {
      ...recall,
      async run(_args: unknown, { workspaceId }: { workspaceId: string }) {
        const [row] = await harness.database.inWorkspace(workspaceId, (em) => query<{ text: string }>(em, seen));
        const content = `recalled ${row!.text}`;
        return { content, isError: false, truncated: false, bytes: content.length };
      },
    },
  };
  return {
    resolve: async (em: Parameters<typeof query>[0]) => {
      const [row] = await query<{ text: string }>(em, seen);
      const told = { ...recall.definition, description: `Recalls ${row!.text}` };
      return { tools: [pay, { ...tools.recall, definition: told }], before: [], leftOut: [] };
    },
    open: async (_em: unknown, { call }: { call: { name: string } }) => tools[call.name as keyof typeof tools] ?? null,
  };
}

// Without a cache each step of a workflow is a replay of the whole, in a context that all of them share.
const harness = conversationHarness({ pool: 16, tools: openTools, worker: { maxCachedWorkflows: 0 } });
/** What reached the provider, word for word. */
const prompts: string[] = [];
let proxy: Server;

beforeAll(async () => {
  proxy = createServer((request, response) => {
    void (async () => {
      const body = await text(request);
      prompts.push(body);
      const { 'idempotency-key': key = '' } = request.headers;
      const headers = { 'content-type': 'application/json', 'idempotency-key': String(key) };
      const answer = await fetch(harness.provider.url + request.url, { method: 'POST', headers, body });
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
      for await (const part of answer.body!) response.write(part);
      response.end();
    })();
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  proxy?.closeAllConnections();
  await new Promise((resolve) => proxy?.close(resolve));
});

/** A workspace whose every text has its own mark, and two conversations in it. */
async function openTenant(mark: string, tokens: number) {
  const model = `fake?tokens=${tokens}`;
  const workspace = await harness.workspace({ model, capabilities: { supportsTools: true } });
  const { workspaceId, userId, modelId, agentId } = workspace;
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  await harness.database.inWorkspace(workspaceId, async (em) => {
    await query(em, `update models set endpoint = $2 where id = $1`, [modelId, url]);
    await query(em, `update agents set system_prompt = $2 where id = $1`, [agentId, `You serve ${mark}.`]);
    await query(em, `insert into user_memories (user_id, workspace_id, memory) values ($1, $2, $3)`, [
      userId,
      workspaceId,
      `Remembers ${mark}`,
    ]);
    await query(
      em,
      `insert into documents (id, workspace_id, title, document_type, is_global) values ($1, $2, $3, 'text', true)`,
      [uuidV7(), workspaceId, `Book of ${mark}`],
    );
  });
  const chats = await Promise.all(
    [1, 2].map(async (number) => {
      const chat = await harness.open(workspace);
      const { conversationId } = chat;
      const workflowId = workflowIds.conversation(conversationId);
      await harness.client.workflow.start(workflowTypes.conversation, {
        workflowId,
        taskQueue: taskQueues.chat,
        args: [{ workspaceId, conversationId, agentId, turnsPerRun: 2 }],
      });
      return { ...chat, workflowId, model, mark: `${mark}-${number}` };
    }),
  );
  return { mark, model, workspaceId, chats };
}

type Tenant = Awaited<ReturnType<typeof openTenant>>;
type Chat = Tenant['chats'][number];

const inWorkspaceOf = <T>(chat: Chat, work: Parameters<typeof harness.database.inWorkspace<T>>[1]) =>
  harness.database.inWorkspace(chat.workspace.workspaceId, work);

/** Answers the question beside the one that `first` asked. */
async function edit(chat: Chat, first: string): Promise<string> {
  const { workspaceId } = chat.workspace;
  const { conversationId, workflowId } = chat;
  const question = (await chat.messages()).find(({ content }) => content === first)!;
  const accepted = await inWorkspaceOf(chat, (em) =>
    acceptMessage(em, {
      ...{ workspaceId, conversationId, workflowId, edits: question.id, clientMessageId: null },
      ...{ messageId: uuidV7(), turnId: uuidV7(), content: `edited ${chat.mark}` },
    }),
  );
  if ('refused' in accepted) throw new Error(accepted.refused);
  await chat.submit(accepted.turnId);
  return accepted.turnId;
}

async function regenerate(chat: Chat, replacesTurnId: string): Promise<string> {
  const { workspaceId } = chat.workspace;
  const { conversationId, workflowId } = chat;
  const turnId = uuidV7();
  const accepted = await inWorkspaceOf(chat, (em) =>
    acceptAgain(em, {
      ...{ workspaceId, conversationId, workflowId, turnId, replacesTurnId },
      ...{ kind: 'regenerate', versions: undefined },
    }),
  );
  if ('refused' in accepted) throw new Error(accepted.refused);
  await chat.submit(turnId);
  return turnId;
}

/** Asks for both tools in all conversations at once; while all of them wait, decides in the opposite order. */
async function payInAll(chats: readonly Chat[], decision: 'approved' | 'denied', word: string): Promise<void> {
  const turns = await Promise.all(
    chats.map(async (chat) => {
      const note = `${word} ${chat.mark}`;
      // The conversations of one workspace share its model: what a call is given must not depend on whose it is.
      const calls = [
        { name: 'recall', arguments: { note: 'all' } },
        { name: 'pay', arguments: { note: 'rent' } },
      ];
      harness.provider.control({ script: [{ model: chat.model, toolCalls: calls }] });
      return { chat, turnId: await chat.send(note) };
    }),
  );
  const waiting = [];
  for (const { chat, turnId } of turns)
    waiting.push({ chat, turnId, call: await chat.callIn(turnId, 'pay', 'proposed') });
  for (const { chat, turnId, call } of waiting.toReversed())
    await chat.decide(turnId, call, decision, {
      comment: chat.mark,
      changed: decision === 'approved' ? { note: chat.mark } : null,
    });
  await endedInAll(turns);
}

async function endedInAll(turns: ReadonlyArray<{ chat: Chat; turnId: string }>): Promise<void> {
  for (const { chat, turnId } of turns)
    expect(await chat.ended(turnId, 30_000)).toMatchObject({ state: 'completed', error: null });
}

const inAll = async (chats: readonly Chat[], ask: (chat: Chat) => Promise<string>): Promise<Map<Chat, string>> => {
  const turns = await Promise.all(chats.map(async (chat) => ({ chat, turnId: await ask(chat) })));
  await endedInAll(turns);
  return new Map(turns.map(({ chat, turnId }) => [chat, turnId]));
};

/** The marks in a text, each once. */
const marksIn = (value: string, mark = /(?:amber|cobalt)-\d/g): string[] => [...new Set(value.match(mark) ?? [])];

/** Everything that the database holds for a workspace, by table. */
async function rowsOf(workspaceId: string): Promise<Map<string, string>> {
  return harness.database.asOperator(async (em) => {
    const tables = await query<{ name: string }>(
      em,
      `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'workspace_id'
       where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace`,
    );
    const found = new Map<string, string>();
    for (const { name } of tables) {
      const [row] = await query<{ text: string | null }>(
        em,
        `select string_agg(t::text, E'\\n') as text from ${name} t where workspace_id = $1`,
        [workspaceId],
      );
      if (row?.text) found.set(name, row.text);
    }
    return found;
  });
}

describe('two workspaces on one worker, turn by turn at the same time', () => {
  let tenants: Tenant[];
  beforeAll(async () => {
    tenants = await Promise.all([openTenant('amber', 6), openTenant('cobalt', 7)]);
    // Neighbours in the order of work are of different workspaces.
    const chats = [0, 1].flatMap((number) => tenants.map((tenant) => tenant.chats[number]!));
    await payInAll(chats, 'approved', 'first');
    await inAll(chats, (chat) => chat.send(`second ${chat.mark}`));
    const edited = await inAll(chats, (chat) => edit(chat, `first ${chat.mark}`));
    await inAll(chats, (chat) => regenerate(chat, edited.get(chat)!));
    await payInAll(chats, 'denied', 'third');
  });

  test('no row of one holds a text of the other: messages, events, steps, calls, memory', async () => {
    for (const { mark, workspaceId } of tenants) {
      const rows = await rowsOf(workspaceId);
      for (const [table, held] of rows)
        expect({ table, marks: marksIn(held, /amber|cobalt/g) }).toEqual({
          table,
          marks: expect.not.arrayContaining(tenants.map((other) => other.mark).filter((other) => other !== mark)),
        });
      for (const table of [
        'messages',
        'tool_calls',
        'approvals',
        'turn_events',
        'user_memories',
        'documents',
        'agents',
      ])
        expect({ table, marks: marksIn(rows.get(table) ?? '', /amber|cobalt/g) }).toEqual({ table, marks: [mark] });
    }
  });

  test('each prompt holds the texts of one conversation, and what its workspace remembers', () => {
    expect(prompts).toHaveLength(4 * 7);
    for (const prompt of prompts) {
      const { model } = JSON.parse(prompt) as { model: string };
      const { mark } = tenants.find((tenant) => tenant.model === model)!;
      expect(marksIn(prompt, /amber|cobalt/g)).toEqual([mark]);
      expect(marksIn(prompt)).toHaveLength(1);
      expect(prompt).toContain(`Recalls Remembers ${mark} Book of ${mark}`);
    }
  });

  test('each effect is that of its own call, and each answer that of its own question', async () => {
    for (const chat of tenants.flatMap(({ chats }) => chats)) {
      const calls = await chat.query<{ id: string; tool_name: string; state: string; result: string | null }>(
        `select c.id, c.tool_name, c.state, c.result from tool_calls c join turns t on t.id = c.turn_id
         where t.conversation_id = $1 order by t.number, c.position`,
        [chat.conversationId],
      );
      const { mark } = tenants.find(({ chats }) => chats.includes(chat))!;
      expect(calls.map(({ tool_name, state }) => [tool_name, state])).toEqual([
        ['recall', 'succeeded'],
        ['pay', 'succeeded'],
        ['recall', 'succeeded'],
        ['pay', 'denied'],
      ]);
      for (const { result } of calls.filter(({ tool_name: name }) => name === 'recall'))
        expect(result).toBe(`recalled Remembers ${mark} Book of ${mark}`);
      const effects = harness.service
        .log()
        .filter(({ idempotencyKey }) => calls.some(({ id }) => id === idempotencyKey));
      expect(effects.map(({ body }) => body)).toEqual([JSON.stringify({ note: chat.mark })]);
      expect(marksIn(JSON.stringify(await chat.messages()))).toEqual([chat.mark]);
    }
    expect(harness.service.log()).toHaveLength(4);
  });

  test('no history names the other workspace, and all of them went on in further runs', async () => {
    for (const { workspaceId, chats } of tenants)
      for (const { workflowId, conversationId } of chats) {
        const runs = await until(
          async () => {
            const found: string[] = [];
            const listed = harness.client.workflow.list({ query: `WorkflowId = '${workflowId}'` });
            for await (const { runId } of listed) found.push(runId);
            return found.length >= 3 ? found : null;
          },
          { what: 'the list of runs' },
        );
        for (const runId of runs) {
          const history = await harness.client.workflow.getHandle(workflowId, runId).fetchHistory();
          const said = textsOf(history).join('\n');
          expect(said).toContain(conversationId);
          expect(said).toContain(workspaceId);
          expect(marksIn(said, /amber|cobalt/g)).toEqual([]);
          for (const other of tenants.filter((tenant) => tenant.workspaceId !== workspaceId))
            for (const id of [other.workspaceId, ...other.chats.map((chat) => chat.conversationId)])
              expect(said.includes(id)).toBe(false);
        }
      }
  });
});
