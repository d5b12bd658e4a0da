import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';

/** A collection with questions and the documents that answer them. */
export interface RetrievalSet {
  name: string;
  documents: { id: string; title: string; text: string }[];
  /** Questions that have at least one relevant document. */
  queries: { id: string; text: string; relevant: ReadonlySet<string> }[];
}

const documentSchema = z.object({ id: z.coerce.string(), title: z.string().default(''), text: z.string().default('') });
const querySchema = z.object({ id: z.coerce.string(), text: z.string() });

/**
 * Reads a folder with corpus.jsonl {id, title, text}, queries.jsonl {id, text} and qrels.tsv (query, document, grade; a
 * first line that names the columns). A grade above 0 is relevant. Throws where a line is of another form.
 */
export async function readRetrievalSet(folder: string): Promise<RetrievalSet> {
  const [corpus, queries, qrels] = await Promise.all(
    ['corpus.jsonl', 'queries.jsonl', 'qrels.tsv'].map((file) => readFile(path.join(folder, file), 'utf8')),
  );
  const documents = lines(corpus!).map((line) => documentSchema.parse(JSON.parse(line)));
  const relevant = new Map<string, Set<string>>();
  for (const line of lines(qrels!)) {
    const [query = '', document = '', grade = ''] = line.split('\t');
    // The names of the columns are no number, and so no grade.
    if (!(Number(grade) > 0)) continue;
    const known = relevant.get(query) ?? new Set();
    relevant.set(query, known.add(document));
  }
  const judged = lines(queries!)
    .map((line) => querySchema.parse(JSON.parse(line)))
    .flatMap(({ id, text }) => {
      const answers = relevant.get(id);
      return answers === undefined ? [] : [{ id, text, relevant: answers }];
    });
  if (documents.length === 0 || judged.length === 0)
    throw new Error(`${folder} has no documents or no judged queries.`);
  return { name: path.basename(path.resolve(folder)), documents, queries: judged };
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}
