import { BaseEmbedding } from '@llamaindex/core/embeddings';
import { SentenceSplitter } from '@llamaindex/core/node-parser';
import { Document, MetadataMode } from '@llamaindex/core/schema';
import { PGVectorStore, PostgresDocumentStore } from '@llamaindex/postgres';
import { DocStoreStrategy, IngestionPipeline } from 'llamaindex';
import type { IngestOrder } from '../ingest-order.ts';
import { drawVectors, runOrder } from './run-order.ts';
import type { Peer } from './run-order.ts';

const schemaName = 'peers';
const newSplitter = () => new SentenceSplitter({ chunkSize: 240, chunkOverlap: 32 });

class LookedUp extends BaseEmbedding {
  readonly #vectors: Map<string, number[]>;

  constructor(vectors: Map<string, number[]>) {
    super();
    this.#vectors = vectors;
    this.embedBatchSize = 500;
    this.getTextEmbeddings = (texts) => Promise.resolve(texts.map((text) => this.#vectors.get(text)!));
  }

  override getTextEmbedding(text: string): Promise<number[]> {
    return Promise.resolve(this.#vectors.get(text)!);
  }
}

const toDocument = ({ path, text }: IngestOrder['documents'][number]) =>
  new Document({ id_: path, text, metadata: { source: path } });

/** LlamaIndex.TS: sentence splitter, IngestionPipeline, PGVectorStore, and a document store in the same database. */
async function prepare(order: IngestOrder): Promise<Peer> {
  const split = order.documents.map((document) => newSplitter().getNodesFromDocuments([toDocument(document)]));
  const embeddingModel = new LookedUp(
    drawVectors(split.map((nodes) => nodes.map((node) => node.getContent(MetadataMode.EMBED)))),
  );
  const clientConfig = { connectionString: order.databaseUrl };
  const stores = Array.from({ length: order.lanes }, () => {
    const vectorStore = new PGVectorStore({
      clientConfig,
      schemaName,
      tableName: 'llamaindex',
      dimensions: 384,
      embeddingModel,
    });
    return { vectorStore, docStore: new PostgresDocumentStore({ clientConfig, schemaName }) };
  });
  // Two that make the same table at once would refuse one another.
  for (const { vectorStore, docStore } of stores) {
    await vectorStore.client();
    await docStore.documentExists('none');
  }
  return {
    ready: {
      table: { table: `${schemaName}.llamaindex`, vector: 'embeddings', content: 'document', metadata: 'metadata' },
      chunks: split.flatMap((nodes, n) =>
        nodes.map((node) => ({ path: order.documents[n]!.path, content: node.getContent(MetadataMode.NONE) })),
      ),
    },
    async ingest(lane, documents) {
      const { vectorStore, docStore } = stores[lane]!;
      const pipeline = new IngestionPipeline({
        transformations: [newSplitter(), embeddingModel],
        vectorStore,
        disableCache: true,
        ...(order.record === 'kept' ? { docStore, docStoreStrategy: DocStoreStrategy.UPSERTS } : {}),
      });
      await pipeline.run({ documents: documents.map(toDocument) });
    },
  };
}

await runOrder(prepare);
