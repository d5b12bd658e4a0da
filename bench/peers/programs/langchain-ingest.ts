import { PostgresRecordManager } from '@langchain/community/indexes/postgres';
import { PGVectorStore } from '@langchain/community/vectorstores/pgvector';
import { Document } from '@langchain/core/documents';
import { Embeddings } from '@langchain/core/embeddings';
import { index } from '@langchain/core/indexing';
import { RecursiveCharacterTextSplitter } from '@langchain/textsplitters';
import pg from 'pg';
import type { IngestOrder } from '../ingest-order.ts';
import { drawVectors, runOrder } from './run-order.ts';
import type { Peer } from './run-order.ts';

// Characters that come to the product's 240 and 32 tokens.
const splitter = RecursiveCharacterTextSplitter.fromLanguage('markdown', { chunkSize: 1_350, chunkOverlap: 180 });
const schemaName = 'peers';
const columns = {
  idColumnName: 'id',
  vectorColumnName: 'embedding',
  contentColumnName: 'content',
  metadataColumnName: 'metadata',
};

class LookedUp extends Embeddings {
  readonly #vectors: Map<string, number[]>;

  constructor(vectors: Map<string, number[]>) {
    super({});
    this.#vectors = vectors;
  }

  override embedDocuments(texts: string[]): Promise<number[][]> {
    return Promise.resolve(texts.map((text) => this.#vectors.get(text)!));
  }

  override embedQuery(text: string): Promise<number[]> {
    return Promise.resolve(this.#vectors.get(text)!);
  }
}

/** LangChain.js: recursive splitter, PGVectorStore, and `index` with its record of what was ingested. */
async function prepare(order: IngestOrder): Promise<Peer> {
  const split = await Promise.all(order.documents.map((document) => splitter.splitText(document.text)));
  const pool = new pg.Pool({ connectionString: order.databaseUrl, max: order.lanes + 1 });
  const store = await PGVectorStore.initialize(new LookedUp(drawVectors(split)), {
    pool,
    tableName: 'langchain',
    schemaName,
    columns,
    dimensions: 384,
    distanceStrategy: 'cosine',
  });
  const recordManager = new PostgresRecordManager('bench', { pool, schema: schemaName });
  await recordManager.createSchema();
  return {
    ready: {
      table: { table: `${schemaName}.langchain`, vector: 'embedding', content: 'content', metadata: 'metadata' },
      chunks: split.flatMap((texts, n) => texts.map((content) => ({ path: order.documents[n]!.path, content }))),
    },
    async ingest(_, documents) {
      const chunks = await splitter.splitDocuments(
        documents.map(({ path, text }) => new Document({ pageContent: text, metadata: { source: path } })),
      );
      if (order.record === 'plain') await store.addDocuments(chunks);
      else {
        const options = { cleanup: 'incremental', sourceIdKey: 'source', batchSize: 500 } as const;
        await index({ docsSource: chunks, recordManager, vectorStore: store, options });
      }
    },
  };
}

await runOrder(prepare);
