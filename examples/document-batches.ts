// Below the limits of a request: 500 documents and 1 MB of JSON.
const perRequest = 400;
const charactersPerRequest = 400_000;

/** Parts documents so that each part fits into one request of `POST /documents/batch`; their order stays. */
export function* documentBatches<Document extends { readonly title: string; readonly text: string }>(
  documents: readonly Document[],
): Generator<Document[]> {
  let batch: Document[] = [];
  let characters = 0;
  for (const document of documents) {
    const size = document.text.length + document.title.length;
    if (batch.length === perRequest || (batch.length > 0 && characters + size > charactersPerRequest)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(document);
    characters += size;
  }
  if (batch.length > 0) yield batch;
}
