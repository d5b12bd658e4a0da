import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import type { ToolReference } from '../../../activities/conversation/conversation-deps.ts';
import { createToolResolver } from '../../../activities/conversation/tools/resolve-tools.ts';
import type { StoredModel } from '../../../entities/agents/stored-model.ts';
import { keepToolVersion } from '../../../entities/agents/tool-version-repository.ts';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createGuardedFetch } from '../../../providers/fetch/guarded-fetch.ts';
import { createProviders } from '../../../providers/registry.ts';
import type { Tool } from '../../../providers/tool.ts';
import { createToolWorkshop } from '../../../providers/tools/create-tool-workshop.ts';
import { ingestHarness } from '../../support/workspaces/ingest-harness.ts';

jest.setTimeout(120_000);
const harness = ingestHarness();
const providers = createProviders({ modelDirectory: '' });

function resolver() {
  return createToolResolver({
    database: harness.database,
    chatModel: (model: StoredModel) => providers.chatModel(model),
    embeddingModel: (model: StoredModel) => providers.embeddingModel(model),
    workshop: createToolWorkshop({
      fetch: createGuardedFetch(createAddressPolicy([]), 'perdure-test'),
      now: () => new Date('2026-11-22T12:00:00Z'),
      openSealed: (sealed) => sealed.slice('sealed:'.length),
    }),
  });
}

let workspaceId: string;
beforeEach(() => {
  ({ workspaceId } = harness.workspace);
});

const resolve = (references: ToolReference[]) =>
  harness.database.inWorkspace(workspaceId, (em) => resolver().resolve(em, { workspaceId, references }));
const open = (call: { type: 'tool' | 'builtin' | 'retrieval_tool'; id: string; version: number | null }) =>
  harness.database.inWorkspace(workspaceId, (em) =>
    resolver().open(em, { workspaceId, references: [], call: { ...call, name: 'as_called' } }),
  );
const run = (tool: Tool, args: Record<string, unknown>, signal = new AbortController().signal) =>
  tool.run(args, { callId: v7(), workspaceId, user: { id: v7() }, signal });

async function addTool(fields: {
  name: string;
  type?: string;
  configuration?: object;
  credentials?: string;
  active?: boolean;
}) {
  const id = v7();
  const {
    name,
    type = 'builtin',
    configuration = { builtin: 'calculator' },
    credentials = null,
    active = true,
  } = fields;
  await harness.workspace.query(
    `insert into tools (id, workspace_id, name, type, configuration, parameters, effect, credentials, is_active)
     values ($1, $2, $3, $4, $5, '{"type":"object","properties":{}}', $6, $7, $8)`,
    [
      id,
      workspaceId,
      name,
      type,
      JSON.stringify(configuration),
      type === 'api' ? 'write' : 'read',
      credentials,
      active,
    ],
  );
  await harness.database.inWorkspace(workspaceId, (em) => keepToolVersion(em, id));
  return id;
}

async function addRetrievalTool(name: string, filters = {}) {
  const id = v7();
  await harness.workspace.query(
    `insert into retrieval_tools (id, workspace_id, name, retrieval_strategy, filters) values ($1, $2, $3, 'text', $4)`,
    [id, workspaceId, name, JSON.stringify(filters)],
  );
  return id;
}

const ragToolId = async () => (await harness.workspace.query<{ id: string }>(`select id from rag_tools`, []))[0]!.id;

describe('resolving the tools of an agent', () => {
  test('gives each a name that models can call, a number where two are alike, and leaves out what cannot be used', async () => {
    const first = await addTool({ name: 'Rechner für alles!' });
    const second = await addTool({ name: 'rechner fur_alles' });
    const off = await addTool({ name: 'switched off', active: false });
    const gone = await addTool({ name: 'gone' });
    await harness.workspace.query(`update tools set deleted_at = now() where id = $1`, [gone]);
    const ids = [first, second, off, gone, v7()];
    const { tools, before, leftOut } = await resolve(ids.map((id) => ({ type: 'tool', id })));
    expect(tools.map(({ definition: { name, type, id } }) => [name, type, id])).toEqual([
      ['Rechner_fur_alles', 'builtin', first],
      ['rechner_fur_alles_2', 'builtin', second],
    ]);
    expect(before).toEqual([]);
    expect(leftOut).toEqual([
      { type: 'tool', id: off, name: 'switched off', reason: 'it is switched off' },
      { type: 'tool', id: gone, name: null, reason: 'it was deleted' },
      { type: 'tool', id: ids[4], name: null, reason: 'it was deleted' },
    ]);
    expect(await run(tools[0]!, { expression: '2*3' })).toMatchObject({ content: '6' });
  });

  test('an agent may ask more or less often for approval than the tool', async () => {
    const id = await addTool({ name: 'calc' });
    const approvals = [];
    for (const needs of [undefined, null, 'always', 'never'] as const) {
      const { tools } = await resolve([{ type: 'tool', id, ...(needs !== undefined && { needs_approval: needs }) }]);
      approvals.push(tools[0]!.definition.approval.mode);
    }
    expect(approvals).toEqual(['never', 'never', 'always', 'never']);
  });

  test('R29: a tool of another workspace is not there', async () => {
    const id = await addTool({ name: 'theirs' });
    const other = v7();
    await harness.database.asOperator((em) =>
      em.getConnection().execute(`insert into workspaces (id, name) values (?, ?)`, [other, other]),
    );
    const resolved = await harness.database.inWorkspace(other, (em) =>
      resolver().resolve(em, { workspaceId: other, references: [{ type: 'tool', id }] }),
    );
    expect(resolved).toMatchObject({ tools: [], leftOut: [{ id, reason: 'it was deleted' }] });
  });
});

describe('searches as tools', () => {
  test('a RAG tool is searched before the model is asked, or offered to it; what it finds can be cited', async () => {
    const key = await harness.ingest({
      title: 'Manual',
      bytes: Buffer.from('The pump is primed with two litres of water.'),
    });
    const id = await ragToolId();
    expect(await resolve([{ type: 'rag_tool', id }])).toMatchObject({ tools: [], before: [id] });
    const { tools, before } = await resolve([{ type: 'rag_tool', id, use: 'on_demand' }]);
    expect(before).toEqual([]);
    expect(tools[0]!.definition).toMatchObject({ type: 'rag_tool', effect: 'read', idempotent: true, version: null });
    expect(tools[0]!.definition.name).toMatch(/^search_/);
    const found = await run(tools[0]!, { query: 'How is the pump primed?', limit: 3 });
    expect(found).toMatchObject({ content: '1 passage was found.', isError: false, truncated: false });
    expect(found.passages).toEqual([
      expect.objectContaining({
        documentId: key.documentId,
        generation: key.generation,
        title: 'Manual',
        content: expect.stringContaining('two litres'),
        startChar: 0,
        embeddingModelId: harness.workspace.modelId,
      }),
    ]);
  });

  test('a retrieval tool searches by a RAG tool that covers its source, with its own filters', async () => {
    await harness.ingest({ title: 'Old', bytes: Buffer.from('The pump is primed with oil.') });
    await harness.ingest({ title: 'New', bytes: Buffer.from('The pump is primed with water.') });
    const id = await addRetrievalTool('search the new', { title: 'New' });
    const { tools } = await resolve([{ type: 'retrieval_tool', id }]);
    expect(tools[0]!.definition).toMatchObject({ type: 'retrieval_tool', name: 'search_the_new' });
    const search = async () => (await run(tools[0]!, { query: 'pump primed' })).passages!.map(({ title }) => title);
    expect(await search()).toEqual(['New']);
    expect((await run(tools[0]!, { query: 'zeppelin' })).content).toContain('Nothing was found');
    expect((await open({ type: 'retrieval_tool', id, version: null }))!.definition.name).toBe('as_called');
    await harness.workspace.query(`update rag_tools set deleted_at = now()`, []);
    expect((await resolve([{ type: 'retrieval_tool', id }])).leftOut).toEqual([
      expect.objectContaining({ id, reason: expect.stringContaining('no RAG tool') }),
    ]);
    expect(await open({ type: 'retrieval_tool', id, version: null })).toBeNull();
  });

  test('a search that fails is told as an error that may be tried again, a cancel as what it is', async () => {
    const { tools } = await resolve([{ type: 'rag_tool', id: await ragToolId(), use: 'on_demand' }]);
    harness.provider.control({ default: { failure: { kind: 'status', status: 500 } } });
    await expect(run(tools[0]!, { query: 'x' })).rejects.toMatchObject({ outcome: 'not_started', retryable: true });
    const stopped = AbortSignal.abort(new Error('not wanted'));
    await expect(run(tools[0]!, { query: 'x' }, stopped)).rejects.toThrow('not wanted');
  });
});

describe('opening the tool of a call', () => {
  const configuration = {
    method: 'POST',
    url: 'https://old.example/a',
    arguments: {},
    headers: {},
    query: {},
    body: 'json',
  };
  const change = (id: string, url: string) =>
    harness.workspace.query(
      `update tools set version = 2, max_result_bytes = 999, configuration = configuration || jsonb_build_object('url', $2::text)
       where id = $1`,
      [id, url],
    );

  test('gives the version that was proposed, and null once it is deleted or switched off', async () => {
    const id = await addTool({ name: 'book', type: 'api', configuration });
    await change(id, 'https://new.example/a');
    const tool = await open({ type: 'tool', id, version: 1 });
    expect(tool!.definition).toMatchObject({ version: 1, name: 'as_called', maxResultBytes: 16_384 });
    expect((await open({ type: 'tool', id, version: 2 }))!.definition.maxResultBytes).toBe(999);
    expect(await open({ type: 'tool', id, version: 7 })).toBeNull();
    await harness.workspace.query(`update tools set is_active = false where id = $1`, [id]);
    expect(await open({ type: 'tool', id, version: 1 })).toBeNull();
    await harness.workspace.query(`update tools set is_active = true, deleted_at = now() where id = $1`, [id]);
    expect(await open({ type: 'tool', id, version: 1 })).toBeNull();
  });

  test('the credentials of today do not go to the service of yesterday', async () => {
    const credentials = `sealed:${JSON.stringify({ type: 'bearer', token: 'today' })}`;
    const id = await addTool({ name: 'pay', type: 'api', configuration, credentials });
    await change(id, 'https://old.example/b');
    const same = await open({ type: 'tool', id, version: 1 });
    // Of the same service; it is not there, which is another matter.
    await expect(run(same!, {})).rejects.toMatchObject({
      outcome: 'not_started',
      code: expect.stringMatching(/^fetch|^address/),
    });
    await change(id, 'https://new.example/a');
    const other = await open({ type: 'tool', id, version: 1 });
    await expect(run(other!, {})).rejects.toMatchObject({
      code: 'tool_failed',
      outcome: 'not_started',
      retryable: false,
    });
  });
});
