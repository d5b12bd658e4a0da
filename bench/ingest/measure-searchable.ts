import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient } from '../../cli/api-client.ts';
import type { DocumentsAccepted } from '../../contracts/document.ts';
import type { Answer } from '../search/search-client.ts';
import { MarkdownText } from '../data/markdown-text.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { searchableCharacters, searchableDocuments } from './ingest-sizes.ts';

const pollMs = 10;
const patienceMs = 60_000;

/** Milliseconds from the upload of a document of 10 kB, one after the other, until a search by its last words finds it. */
export async function measureSearchable(results: Results, server: { url: string; key: string }): Promise<void> {
  const api = new ApiClient(server.url, server.key);
  const text = new MarkdownText(14);
  const times: number[] = [];
  // The first one only warms up.
  for (let n = 0; n <= searchableDocuments; n++) {
    // A word that no other document has stands in the last chunk.
    const word = `zq${randomUUID().slice(0, 8)}`;
    const milliseconds = await untilFound(api, {
      word,
      text: `${text.document(searchableCharacters)}\n\nThe end: ${word}.`,
    });
    if (n > 0) times.push(milliseconds);
  }
  results.record('searchable_10kb.p50_ms', percentile(times, 0.5));
  results.record('searchable_10kb.p95_ms', percentile(times, 0.95));
  progress(`10 kB searchable: ${times.map((time) => time.toFixed(0)).join(', ')} ms`);
}

async function untilFound(api: ApiClient, { word, text }: { word: string; text: string }): Promise<number> {
  const started = performance.now();
  const { documents } = await api.request<DocumentsAccepted>('/documents/batch', {
    method: 'POST',
    idempotencyKey: randomUUID(),
    body: { documents: [{ text, path: `searchable/${word}.md`, document_type: 'markdown', is_global: true }] },
  });
  const id = documents[0]!.document_id;
  for (;;) {
    const { hits } = await api.request<Answer>('/search', { method: 'POST', body: { query: word } });
    const elapsed = performance.now() - started;
    if (hits.some((hit) => hit.document_id === id)) return elapsed;
    if (elapsed > patienceMs) throw new Error(`The document with "${word}" was not found within ${patienceMs} ms.`);
    await sleep(pollMs);
  }
}
