import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Citation } from '../../contracts/message.ts';
import type { ApiClient } from '../../cli/api-client.ts';

/** A citation as the event stream gives it. */
export type SampleCitation = Omit<Citation, 'chunk_index'>;

/** Compares each quote with the stored text at its offsets and with the file itself; returns what does not agree. */
export async function verifyCitations(
  client: ApiClient,
  docs: string,
  citations: readonly SampleCitation[],
): Promise<string[]> {
  const bad: string[] = [];
  for (const citation of citations) {
    const document = await client.request<{ path: string | null }>(`/documents/${citation.document_id}`);
    const content = await client.text(`/documents/${citation.document_id}/content`);
    if (content.slice(citation.start_char, citation.end_char) !== citation.quote)
      bad.push(`[${citation.marker}] The stored text of ${document.path} says something else at the quote's offsets.`);
    const file = path.join(docs, '..', document.path ?? '');
    const text = await readFile(file, 'utf8').catch(() => null);
    if (!text?.includes(citation.quote)) bad.push(`[${citation.marker}] The quote does not stand in ${document.path}.`);
  }
  return bad;
}
