import { expect, test } from '@jest/globals';
import { testApi } from '../support/api/test-api.ts';
import { query } from '../../entities/sql.ts';
import { until } from '../support/until.ts';

const api = testApi();

async function create(path: string, body: Record<string, unknown>) {
  const answer = await api.call('POST', path, { body });
  expect(answer.status).toBe(201);
  return answer.json;
}

const embedding = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  kind: 'embedding',
  provider: 'openai',
  model_id: 'text-embedding-3-large',
  endpoint: 'http://127.0.0.1:9/v1',
  dimensions: 3072,
  ...more,
});

test('the kind of index is chosen when a model is registered, or later', async () => {
  const { id } = await create('/models', embedding('flat', { vector_index: { kind: 'ivfflat', metrics: ['l2'] } }));
  const before = await api.call('GET', `/models/${id}/vector-index`);
  // IVFFlat takes its centres from rows: without rows there is no index yet.
  expect(before.json).toMatchObject({
    wanted: { kind: 'ivfflat', metrics: ['l2'], lists: null },
    rows: 0,
    busy: false,
    indexes: [],
  });
  const changed = await api.call('PUT', `/models/${id}/vector-index`, { body: { kind: 'hnsw', m: 8 } });
  expect(changed.status).toBe(202);
  expect(changed.json.wanted).toEqual({
    kind: 'hnsw',
    metrics: ['cosine'],
    m: 8,
    ef_construction: 64,
    lists: null,
    min_rows: null,
    ef_search: null,
  });
  const started = await api.deps.temporal.workflow.getHandle(`index-model/${id}`).describe();
  expect(started.status.name).toBe('RUNNING');
});

test('settings of an index that cannot be, and models without vectors, are refused', async () => {
  const { id } = await create('/models', embedding('refusing'));
  const change = (body: unknown, of = id) => api.call('PUT', `/models/${of}/vector-index`, { body });
  expect((await change({ m: 50, ef_construction: 64 })).status).toBe(400);
  expect((await change({ metrics: ['cosine', 'cosine'] })).status).toBe(400);
  expect((await change({ kind: 'flat' })).status).toBe(400);
  const { data } = (await api.call('GET', '/models')).json;
  const chat = data.find((model: { kind: string }) => model.kind === 'chat');
  expect((await change({}, chat.id)).status).toBe(404);
});

test('a move to a model that cannot read the chunks whole, or that nothing would search by, is refused with the reason', async () => {
  const source = await create('/knowledge-sources', { name: 'manuals', type: 'upload' });
  await create('/models', embedding('narrow', { capabilities: { maxTokens: 128 } }));
  const path = `/knowledge-sources/${source.id}/embedding-model`;
  const alone = await api.call('POST', path, { body: { embedding_model: 'narrow' } });
  expect(alone.status).toBe(409);
  expect(alone.json.detail).toContain('No RAG tool reads this source alone');
  await create('/rag-tools', { name: 'manuals', knowledge_source: 'manuals', embedding_model: 'all-MiniLM-L6-v2' });
  const narrow = await api.call('POST', path, { body: { embedding_model: 'narrow' } });
  expect(narrow.status).toBe(400);
  expect(narrow.json.detail).toContain(
    '"narrow" reads 126 tokens of a text, and the RAG tool "manuals" cuts chunks of 240',
  );
  const chat = await api.call('POST', path, { body: { embedding_model: 'extractive' } });
  expect(chat.status).toBe(400);
  expect(chat.json.detail).toContain('is a chat model');
});

test('a move is accepted once, shown, started, and can be cancelled', async () => {
  const source = await create('/knowledge-sources', { name: 'letters', type: 'upload' });
  await create('/rag-tools', { name: 'letters', knowledge_source: 'letters', embedding_model: 'all-MiniLM-L6-v2' });
  await create('/models', embedding('wide'));
  await create('/models', embedding('wider'));
  const path = `/knowledge-sources/${source.id}/embedding-model`;
  expect((await api.call('GET', path)).json).toEqual({ move: null });
  const accepted = await api.call('POST', path, { body: { embedding_model: 'wide' } });
  expect(accepted.status).toBe(202);
  expect(accepted.json).toMatchObject({
    started: true,
    move: { embedding_model: 'wide', state: 'accepted', knowledge_source_id: source.id, rag_tool_id: null },
  });
  const again = await api.call('POST', path, { body: { embedding_model: 'wide' } });
  expect(again.json).toMatchObject({ started: false, move: { id: accepted.json.move.id } });
  expect((await api.call('POST', path, { body: { embedding_model: 'wider' } })).status).toBe(409);
  const handle = api.deps.temporal.workflow.getHandle(`move-embeddings/${accepted.json.move.id}`);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  expect((await api.call('POST', `${path}/cancel`)).status).toBe(202);
  await until(
    async () => {
      const { events } = await handle.fetchHistory();
      return (events ?? []).some((event) => event.workflowExecutionCancelRequestedEventAttributes);
    },
    { what: 'the cancel' },
  );
});

test('a tool that is made later, with another model, has what it reads embedded with it', async () => {
  const source = await create('/knowledge-sources', { name: 'archive', type: 'upload' });
  await create('/models', embedding('later'));
  const tool = (name: string) =>
    create('/rag-tools', { name, knowledge_source: 'archive', embedding_model: 'later', chunk_size: 100 });
  const empty = await tool('archive, empty');
  expect((await api.call('GET', `/rag-tools/${empty.id}/embedding-model`)).json).toEqual({ move: null });
  await api.database.asOperator(async (em) => {
    const [document] = await query<{ id: string }>(
      em,
      `insert into documents (id, workspace_id, knowledge_source_id, title, document_type, status, latest_generation, active_generation)
       values (gen_random_uuid(), $1, $2, 'served', 'text', 'ready', 1, 1) returning id`,
      [api.tenant.workspaceId, source.id],
    );
    await query(
      em,
      `insert into document_generations (workspace_id, document_id, generation, state, workflow_id, mime_type, byte_size,
         content_hash, chunk_size, chunk_overlap, expected_chunks)
       values ($1, $2, 1, 'active', 'test', 'text/plain', 0, '', 200, 0, 1)`,
      [api.tenant.workspaceId, document!.id],
    );
  });
  const full = await tool('archive, full');
  expect((await api.call('GET', `/rag-tools/${full.id}/embedding-model`)).json.move).toMatchObject({
    rag_tool_id: full.id,
    knowledge_source_id: source.id,
    embedding_model: 'later',
    state: 'accepted',
  });
});
