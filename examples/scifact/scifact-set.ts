import path from 'node:path';
import { z } from 'zod';
import { readJsonLines } from '../read-json-lines.ts';

const documentSchema = z.object({ id: z.string(), title: z.string(), text: z.string() });
const labelSchema = z.object({
  id: z.string(),
  claim: z.string(),
  doc_id: z.string(),
  label: z.enum(['SUPPORT', 'CONTRADICT']),
});

/** A claim, the abstracts that were judged, and whether people found that they support it. */
export type LabelledClaim = {
  readonly id: string;
  readonly claim: string;
  readonly isSupported: boolean;
  readonly abstracts: readonly { readonly document: string; readonly text: string }[];
};

/** Reads `corpus.jsonl` and `labels.jsonl` of a folder: `limit` claims, spread over the whole set. */
export async function readScifactSet(folder: string, limit: number): Promise<LabelledClaim[]> {
  const corpus = await readJsonLines(path.join(folder, 'corpus.jsonl'), documentSchema);
  const labels = await readJsonLines(path.join(folder, 'labels.jsonl'), labelSchema);
  const texts = new Map(corpus.map(({ id, title, text }) => [id, `${title}\n${text}`]));
  const claims = new Map<string, { claim: string; isSupported: boolean; documents: Set<string> }>();
  for (const { id, claim, doc_id: document, label } of labels) {
    const known = claims.get(id) ?? { claim, isSupported: label === 'SUPPORT', documents: new Set() };
    known.documents.add(document);
    claims.set(id, known);
  }
  const all = Array.from(claims, ([id, { claim, isSupported, documents }]): LabelledClaim => {
    const abstracts = Array.from(documents, (document) => {
      const text = texts.get(document);
      if (text === undefined)
        throw new Error(`${folder}: claim ${id} names the abstract ${document}, which is missing.`);
      return { document, text };
    });
    return { id, claim, isSupported, abstracts };
  });
  const step = Math.max(1, all.length / limit);
  return Array.from({ length: Math.min(limit, all.length) }, (_, index) => all[Math.floor(index * step)]!);
}
