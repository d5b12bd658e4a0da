/** A passage as a search found it, by every name that its document has. */
export type FoundPassage = {
  document_id: string;
  chunk_index: number;
  title: string;
  source_url: string | null;
  source_path: string | null;
};

type Expected = {
  expected_documents: readonly { document: string; grade: number }[];
  expected_chunks: readonly { document: string; chunk_index: number; grade: number }[];
};

/**
 * Keys of what was found, best first, and of what is relevant, so that they can be compared: a document goes by the name
 * that the case has for it: id, source URL, path or the end of one, such as the name of its file, or title. Where the case
 * names chunks, chunks are compared.
 */
export function relevanceOf(
  found: readonly FoundPassage[],
  { expected_documents: documents, expected_chunks: chunks }: Expected,
): { ranked: string[]; relevant: { key: string; grade: number }[] } {
  const byChunk = chunks.length > 0;
  const names = new Set((byChunk ? chunks : documents).map(({ document }) => document));
  const nameOf = ({ document_id: id, source_url: url, source_path: path, title }: FoundPassage): string =>
    [id, url, ...endsOf(path), title].find((name) => name !== null && names.has(name)) ?? id;
  const chunkKey = (document: string, index: number): string => `${document}#${index}`;
  if (byChunk)
    return {
      ranked: found.map((passage) => chunkKey(nameOf(passage), passage.chunk_index)),
      relevant: chunks.map(({ document, chunk_index: index, grade }) => ({ key: chunkKey(document, index), grade })),
    };
  return {
    ranked: [...new Set(found.map(nameOf))],
    relevant: documents.map(({ document, grade }) => ({ key: document, grade })),
  };
}

/** The path, then what is left of it behind each of its folders. */
function endsOf(path: string | null): string[] {
  const parts = path?.split('/') ?? [];
  return parts.map((_, depth) => parts.slice(depth).join('/'));
}
