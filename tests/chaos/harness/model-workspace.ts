import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import { composeText } from './compose-text.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { SeededRandom } from './seeded-random.ts';

const patienceMs = 90_000;

/** Registers an embedding model of the fake provider with so many dimensions; again it changes nothing. */
export async function registerModel(stack: ProxiedStack, name: string, dimensions: number): Promise<string> {
  const { id } = await stack.api.request<{ id: string }>(
    'POST',
    '/models',
    {
      name,
      kind: 'embedding',
      provider: 'openai',
      model_id: `fake?vectors=hash&dimensions=${dimensions}`,
      endpoint: stack.providerUrl,
      dimensions,
      capabilities: { dimensions, maxTokens: 512, maxBatch: 8 },
      pricing: { currency: 'USD', input_per_million: '1', output_per_million: '1' },
    },
    `model-${name}`,
  );
  return id;
}

/** What a source of its own is made with. */
export type SourceOrder = {
  name: string;
  model: string;
  documents: number;
  sentences: number;
  /** Words of the nth document beside its own. */
  marksOf?(n: number): readonly string[];
};

/** Makes a source and a RAG tool of the same name, and waits until the documents `NAMEd0`, `NAMEd1`, … are served. */
export async function serveSource(
  stack: ProxiedStack,
  { name, model, documents, sentences, marksOf = () => [] }: SourceOrder,
  random: SeededRandom,
): Promise<{ sourceId: string; toolId: string; documentIds: string[] }> {
  const { api } = stack;
  const source = await api.request<{ id: string }>(
    'POST',
    '/knowledge-sources',
    { name, type: 'upload' },
    `source-${name}`,
  );
  const tool = await api.request<{ id: string }>(
    'POST',
    '/rag-tools',
    { name, knowledge_source: name, embedding_model: model, chunk_size: 40, chunk_overlap: 0 },
    `tool-${name}`,
  );
  const batch = await api.request<{ documents: Array<{ document_id: string }> }>(
    'POST',
    '/documents/batch',
    {
      knowledge_source: name,
      documents: Array.from({ length: documents }, (_, n) => ({
        title: `${name} ${n}`,
        path: `${n}.md`,
        document_type: 'markdown',
        is_global: true,
        text: composeText(random.fork(`document ${n}`), sentences, [`${name}d${n}`, ...marksOf(n)]),
      })),
    },
    `documents-${name}`,
  );
  const documentIds = batch.documents.map(({ document_id: id }) => id);
  await until(async () => (await countServed(stack, documentIds)) === documents, `documents of ${name} to be served`);
  return { sourceId: source.id, toolId: tool.id, documentIds };
}

/** Looks until something is so; fails after 90 s. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Waited ${patienceMs / 1000} s in vain for ${what}`);
    await sleep(50);
  }
}

async function countServed(stack: ProxiedStack, documentIds: readonly string[]): Promise<number> {
  const [row] = await stack.database.asOperator((em) =>
    query<{ ready: number }>(
      em,
      `select count(*)::integer as ready from documents where id = any($1::uuid[]) and status = 'ready'`,
      [documentIds],
    ),
  );
  return row!.ready;
}
