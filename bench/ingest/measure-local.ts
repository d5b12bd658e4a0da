import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { textsToEmbed } from '../../activities/ingestion/texts-to-embed.ts';
import { findApiKey } from '../../cli/find-stack.ts';
import { createLocalEmbeddingModel } from '../../providers/local/local-embedding-model.ts';
import { locateWeights } from '../../providers/local/weights.ts';
import type { UnembeddedChunk } from '../../entities/documents/chunk-embedding-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { MarkdownText } from '../data/markdown-text.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { BareModel } from './bare-model.ts';
import { IngestClient } from './ingest-client.ts';
import { documentCharacters, localDocuments } from './ingest-sizes.ts';
import { measureSearchable } from './measure-searchable.ts';

const rounds = 3;
// What follows the last document's activation (the workflow's end, the visibility rows) belongs to no measurement.
const restMs = 1_500;

/**
 * Documents through the whole product with the local model, and then their chunks' texts through the bare model on
 * all cores while the product rests; round after round, so that a drift of the machine meets both.
 */
export function measureLocal(results: Results): Promise<void> {
  return withBenchStack({ processes: ['postgres', 'temporal', 'api', 'worker'] }, async (stack) => {
    const server = { url: String(stack.urls.api), key: findApiKey({}, stack.home) ?? '' };
    const client = await IngestClient.connect({
      ...server,
      databaseUrl: stack.env.DATABASE_URL!,
    });
    const text = new MarkdownText(11);
    const modelDirectory = path.join(stack.home, 'models', 'all-MiniLM-L6-v2');
    const local = createLocalEmbeddingModel({ modelDirectory });
    const bare = new BareModel(await locateWeights(modelDirectory));
    const ingest = async (name: string, count: number) => {
      const documents = Array.from({ length: count }, (_, n) => ({
        path: `${name}/${n}.md`,
        text: text.document(documentCharacters),
      }));
      const seconds = await client.ingest(documents);
      return { seconds, texts: await readTexts(stack, `${name}/%`, local) };
    };
    // Loads the weights, and lets both processes compile what is run often.
    await bare.embed((await ingest('warm-up', 4)).texts);
    for (let round = 1; round <= rounds; round++) {
      const { seconds, texts } = await ingest(`round-${round}`, localDocuments);
      await sleep(restMs);
      const rawSeconds = await bare.embed(texts);
      results.record('local.chunks_per_s', texts.length / seconds);
      results.record('local.raw_chunks_per_s', texts.length / rawSeconds);
      results.record('local.ratio_to_raw', rawSeconds / seconds);
      progress(
        `local model, round ${round} of ${rounds}: ${texts.length} chunks in ${seconds.toFixed(1)} s, ` +
          `raw ${rawSeconds.toFixed(1)} s`,
      );
    }
    await bare.close();
    await measureSearchable(results, server);
    await client.close();
    results.note(
      `local: ${localDocuments} documents of ${documentCharacters / 1000} kB a round, from the first request to the last ` +
        'document served.',
    );
  });
}

/** What the model was asked for: the chunks with their titles and headings. */
async function readTexts(stack: Stack, paths: string, model: EmbeddingModel): Promise<string[]> {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL!, options: '-c role=perdure_operator' });
  await client.connect();
  try {
    const { rows } = await client.query<UnembeddedChunk>(
      `select c.chunk_index as index, c.content, c.token_count as tokens, coalesce(g.found_title, g.title) as title, coalesce(c.metadata->'headings', '[]') as headings,
              c.metadata->>'table_header' as "tableHeader"
       from document_chunks c
       join documents d on d.id = c.document_id and d.active_generation = c.generation
       join document_generations g on g.document_id = c.document_id and g.generation = c.generation
       join chunk_embeddings e on (e.document_id, e.generation, e.chunk_index) = (c.document_id, c.generation, c.chunk_index)
       where d.source_path like $1 order by d.source_path, c.chunk_index`,
      [paths],
    );
    return textsToEmbed(rows, model, { counted: true }).map(({ text }) => text);
  } finally {
    await client.end();
  }
}
