import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { v7 } from 'uuid';
import { findMove, requestMove, type MoveRow } from '../../entities/agents/embedding-move-repository.ts';
import { ingestHarness, markdownBytes } from '../support/workspaces/ingest-harness.ts';
import { createIngestWorkspace, type EmbeddingSettings } from '../support/workspaces/ingest-workspace.ts';
import { until } from '../support/until.ts';

jest.setTimeout(150_000);
const h = ingestHarness();
let toolId: string;

const openAi = (dimensions: number): EmbeddingSettings => ({
  provider: 'openai',
  endpoint: h.provider.url,
  model: 'text-embedding-3-large',
  dimensions,
  maxBatch: 4,
});

beforeEach(async () => {
  h.workspace = await createIngestWorkspace(h.database, openAi(1536));
  const { workspaceId, knowledgeSourceId, modelId } = h.workspace;
  toolId = v7();
  await h.workspace.query(
    `insert into rag_tools (id, workspace_id, name, knowledge_source_id, embedding_model_id, chunk_size, chunk_overlap)
     values ($1, $2, 'of the source', $3, $4, 60, 10)`,
    [toolId, workspaceId, knowledgeSourceId, modelId],
  );
});

async function request(modelId: string): Promise<{ workspaceId: string; moveId: string }> {
  const { workspaceId, knowledgeSourceId } = h.workspace;
  const input = { workspaceId, moveId: v7() };
  const scope = { knowledgeSourceId, ragToolId: null };
  await h.database.inWorkspace(workspaceId, (em) => requestMove(em, { ...input, ...scope, modelId }));
  return input;
}

async function move(): Promise<MoveRow> {
  const { workspaceId, knowledgeSourceId } = h.workspace;
  const row = await h.database.inWorkspace(workspaceId, (em) => findMove(em, { knowledgeSourceId, ragToolId: null }));
  return row!;
}

const ended = (state: string) =>
  until(async () => (await move()).state === state && (await move()).isCleared, { what: state, timeoutMs: 45_000 });

/** The model that the tool searches by, and the vectors of served chunks by model. */
async function served(): Promise<{ tool: string; chunks: number; vectors: Record<string, number> }> {
  const [tool] = await h.workspace.query<{ model: string }>(
    `select embedding_model_id as model from rag_tools where id = $1`,
    [toolId],
  );
  const [chunks] = await h.workspace.query<{ n: number }>(
    `select count(*)::int as n from document_chunks c join documents d on d.id = c.document_id and d.active_generation = c.generation`,
    [],
  );
  const rows = await h.workspace.query<{ model: string; n: number }>(
    `select e.model_id as model, count(*)::int as n from chunk_embeddings e group by 1`,
    [],
  );
  return { tool: tool!.model, chunks: chunks!.n, vectors: Object.fromEntries(rows.map(({ model, n }) => [model, n])) };
}

/** Work in place of a step, or before it, with the heartbeats that the step itself would send. */
async function beating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(), 1000);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
  }
}

describe('a move of a source to another embedding model', () => {
  test('embeds what is there and what comes, and switches when nothing is missing', async () => {
    const { modelId: first } = h.workspace;
    for (const mark of ['one', 'two']) await h.ingest({ ...markdownBytes(1, mark), title: mark });
    const large = await h.workspace.addModel(openAi(3072));
    const held: string[] = [];
    h.worker.around = async (name, run) => {
      if (name === 'switchModel' && held.length === 0) {
        held.push((await served()).tool);
        // Ingested while the move is under way: with the vectors of both.
        await beating(() => h.ingest({ ...markdownBytes(2, 'meanwhile'), title: 'meanwhile' }));
        const { chunks, vectors } = await served();
        expect(vectors).toEqual({ [first]: chunks, [large]: chunks });
      }
      return run();
    };
    await h.starter().startMove(await request(large));
    await ended('completed');
    expect(held).toEqual([first]);
    const moved = await served();
    // The first model is the workspace's default, by whose tokens documents are cut: its vectors stay.
    expect(moved).toEqual({
      tool: large,
      chunks: moved.chunks,
      vectors: { [first]: moved.chunks, [large]: moved.chunks },
    });
    expect(await move()).toMatchObject({ totalDocuments: 2, doneDocuments: 2, error: null });
    expect(await h.workspace.query(`select id from usage_metrics where state = 'started'`, [])).toEqual([]);
  });

  test('clears the vectors of the former model where nothing else reads them', async () => {
    const { modelId: first } = h.workspace;
    const large = await h.workspace.addModel(openAi(3072));
    await h.workspace.query(`update rag_tools set embedding_model_id = $2 where id = $1`, [toolId, large]);
    await h.ingest({ ...markdownBytes(1), title: 'guide' });
    const { chunks, vectors } = await served();
    expect(vectors).toEqual({ [first]: chunks, [large]: chunks });
    const small = await h.workspace.addModel(openAi(384));
    await h.starter().startMove(await request(small));
    await ended('completed');
    expect(await served()).toEqual({ tool: small, chunks, vectors: { [first]: chunks, [small]: chunks } });
  });

  test('waits for ingestions that were about to be published without the new vectors', async () => {
    const { modelId: first } = h.workspace;
    const large = await h.workspace.addModel(openAi(3072));
    let input: { workspaceId: string; moveId: string } | null = null;
    h.worker.around = async (name, run) => {
      if (name === 'publishGeneration' && !input) {
        input = await request(large);
        await h.starter().startMove(input);
        await ended('completed');
      }
      return run();
    };
    // Of more chunks than are embedded and published in one step.
    await h.ingest({ ...markdownBytes(16), title: 'late' });
    const { tool, chunks, vectors } = await served();
    expect(tool).toBe(large);
    expect(vectors).toEqual({ [first]: chunks, [large]: chunks });
  });

  test('goes on after a step that failed half-way, and pays for no stored vector again', async () => {
    for (let part = 0; part < 3; part += 1)
      await h.ingest({ ...markdownBytes(4, `part${part}`), title: `part ${part}` });
    const large = await h.workspace.addModel(openAi(3072));
    h.provider.control({ reset: true });
    h.provider.control({ script: [{ times: 6 }, { failure: { kind: 'status', status: 500 } }] });
    let attempts = 0;
    h.worker.around = async (name, run) => {
      if (name === 'embedMoved') attempts += 1;
      return run();
    };
    await h.starter().startMove(await request(large));
    await ended('completed');
    expect(attempts).toBeGreaterThan(1);
    const { tool, chunks, vectors } = await served();
    expect(tool).toBe(large);
    expect(vectors[large]).toBe(chunks);
    // What failed, and what three other lanes had in flight then, of at most four texts each.
    const asked = h.provider.log().reduce((sum, call) => sum + call.texts, 0);
    expect(asked).toBeGreaterThan(chunks);
    expect(asked).toBeLessThanOrEqual(chunks + 4 * 4);
    expect(await h.workspace.query(`select id from usage_metrics where state = 'started'`, [])).toEqual([]);
  });

  /** How long each step of embedding was at work, and what it ended with. */
  function watchVisits() {
    const visits: { ms: number; again?: { afterMs: number; booked: string | null } }[] = [];
    h.worker.around = async (name, run) => {
      const startedAt = performance.now();
      const result = await run();
      if (name === 'embedMoved') visits.push({ ...(result as object), ms: performance.now() - startedAt });
      return result;
    };
    return visits;
  }

  test('R8: that waits for the limits of its model holds no slot, and makes each call once', async () => {
    for (const mark of ['a', 'b', 'c']) await h.ingest({ ...markdownBytes(1, mark), title: mark });
    const large = await h.workspace.addModel(openAi(3072));
    // Three at once, of which batches may have two, then one every 2.1 s.
    await h.workspace.query(`update models set capabilities = capabilities || $1::jsonb where id = $2`, [
      JSON.stringify({ requestsPerMinute: 30 }),
      large,
    ]);
    h.provider.control({ reset: true });
    const visits = watchVisits();
    await h.starter().startMove(await request(large));
    await ended('completed');
    const { tool, chunks, vectors } = await served();
    expect(tool).toBe(large);
    expect(vectors[large]).toBe(chunks);
    expect(await move()).toMatchObject({ totalDocuments: 3, doneDocuments: 3 });
    // One lane keeps a place in the queue; a wait of up to a second is not worth a timer.
    expect(visits.filter(({ again }) => again?.booked).length).toBeGreaterThanOrEqual(2);
    for (const { ms } of visits) expect(ms).toBeLessThan(2500);
    const calls = h.provider.log();
    expect(calls.reduce((sum, call) => sum + call.texts, 0)).toBe(chunks);
    const times = calls.map((call) => call.startedAt).toSorted((a, b) => a - b);
    // Two at once, and two seconds at least between those that follow.
    expect(times.at(-1)! - times[0]!).toBeGreaterThanOrEqual((times.length - 2) * 2000);
    const usage = await h.workspace.query<{ state: string; attempt: number }>(
      `select state, attempt from usage_metrics where model_id = $1`,
      [large],
    );
    expect(usage).toEqual(calls.map(() => ({ state: 'settled', attempt: 1 })));
  });

  test('that waits for a provider to allow calls again holds no slot, and can be cancelled', async () => {
    await h.ingest({ ...markdownBytes(1), title: 'guide' });
    const large = await h.workspace.addModel(openAi(3072));
    await h.database.autocommit((em) =>
      em.execute(`select block_model_calls('${h.workspace.workspaceId}', '${large}', 3600000)`),
    );
    h.provider.control({ reset: true });
    const visits = watchVisits();
    const input = await request(large);
    await h.starter().startMove(input);
    await until(async () => visits[0]?.again, { what: 'the step giving its slot back' });
    expect(visits[0]!.again!.afterMs).toBeGreaterThan(60_000);
    await h.starter().cancelMove(input);
    await ended('cancelled');
    expect(h.provider.log()).toEqual([]);
  });

  test('that is cancelled leaves the former model and none of the new vectors', async () => {
    const { modelId: first } = h.workspace;
    await h.ingest({ ...markdownBytes(3), title: 'guide' });
    const large = await h.workspace.addModel(openAi(3072));
    const input = await request(large);
    let embedded = 0;
    h.worker.around = async (name, run) => {
      const result = await run();
      if (name !== 'embedMoved') return result;
      embedded = (await served()).vectors[large] ?? 0;
      await h.starter().cancelMove(input);
      await beating(() => until(async () => (await move()).state === 'cancelled', { what: 'the cancel' }));
      return result;
    };
    await h.starter().startMove(input);
    await ended('cancelled');
    const { tool, chunks, vectors } = await served();
    expect(embedded).toBe(chunks);
    expect(tool).toBe(first);
    expect(vectors).toEqual({ [first]: chunks });
  });
});
