import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { queryPastHits } from './query-past-hits.ts';

const capabilities = { dimensions: 64, maxTokens: 512, maxBatch: 8 };

/** Names of what `prepareSagaWorkspace` makes; each source has a RAG tool of its name. */
export const sagaNames = { model: 'chaos', source: 'chaos', fineSource: 'chaos-fine' } as const;

/**
 * Makes the workspace's only embedding model one that is paid by the call at the fake provider, and two sources that it
 * embeds: `source` cuts into a few chunks a document, `fineSource` into many small ones. Calls carry few texts each.
 * Returns what sets the model's limits.
 */
export async function prepareSagaWorkspace(
  stack: ProxiedStack,
): Promise<(limits: { requestsPerMinute?: number }) => Promise<void>> {
  const { api } = stack;
  const once = <T>(path: string, body: unknown, key: string) => api.request<T>('POST', path, body, `saga-${key}`);
  const { data: models } = await api.request<{ data: Array<{ id: string; provider: string }> }>('GET', '/models');
  const local = models.find((model) => model.provider === 'local');
  const model = await once<{ id: string }>(
    '/models',
    {
      name: sagaNames.model,
      kind: 'embedding',
      provider: 'openai',
      model_id: 'fake?vectors=hash&dimensions=64',
      endpoint: stack.providerUrl,
      dimensions: 64,
      capabilities,
      pricing: { currency: 'USD', input_per_million: '1', output_per_million: '1' },
    },
    'model',
  );
  if (local) await api.request('PATCH', `/models/${local.id}`, { is_active: false });
  for (const [name, chunkSize] of [
    [sagaNames.source, 40],
    [sagaNames.fineSource, 16],
  ] as const) {
    await once('/knowledge-sources', { name, type: 'upload' }, `source-${name}`);
    await once(
      '/rag-tools',
      { name, knowledge_source: name, embedding_model: sagaNames.model, chunk_size: chunkSize, chunk_overlap: 0 },
      `tool-${name}`,
    );
  }
  return async (limits) => {
    await api.request('PATCH', `/models/${model.id}`, { capabilities: { ...capabilities, ...limits } });
  };
}

/** Id of the document that the source has at this path, deleted or not; undefined if there is none. */
export async function findByPath(stack: ProxiedStack, path: string): Promise<string | undefined> {
  const text = `select id from documents where source_path = $1 order by created_at desc limit 1`;
  return (await queryPastHits<{ id: string }>(stack, text, [path]))[0]?.id;
}

/** How many vectors are stored of the document. */
export async function countStored(stack: ProxiedStack, documentId: string): Promise<number> {
  const [row] = await stack.database.asOperator((em) =>
    query<{ stored: number }>(em, `select count(*)::integer as stored from chunk_embeddings where document_id = $1`, [
      documentId,
    ]),
  );
  return row?.stored ?? 0;
}

/** How many vectors are kept for a retry of the document. */
export async function countKept(stack: ProxiedStack, documentId: string): Promise<number> {
  const [row] = await stack.database.asOperator((em) =>
    query<{ kept: number }>(em, `select count(*)::integer as kept from embedding_cache where document_id = $1`, [
      documentId,
    ]),
  );
  return row?.kept ?? 0;
}

/** The documents of a source of which a search for the word finds a passage that has it. */
export async function findWord(stack: ProxiedStack, source: string, word: string): Promise<string[]> {
  const { hits } = await stack.api.request<{ hits: Array<{ document_id: string; content: string }> }>(
    'POST',
    '/search',
    { query: word, rag_tool: source, top_k: 50 },
  );
  return hits.filter((hit) => hit.content.includes(word)).map((hit) => hit.document_id);
}
