import { readFile } from 'node:fs/promises';
import { startHttpServer } from '../../api/start-http-server.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/log.ts';
import { startTelemetry } from '../../platform/telemetry/start-telemetry.ts';
import { createApiDeps } from '../../platform/wiring-api.ts';

/** A held-out query as it is handed to this process. */
export interface StoredQuery {
  question: string;
  vector: number[];
}

/**
 * The product's API in a process of its own, whole but for one part: instead of a model, a table has the questions'
 * vectors, so that the time to embed a query is not in the result. `node serve-search.ts QUERIES.json`
 */
async function main(): Promise<void> {
  const queries = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as StoredQuery[];
  const vectors = new Map(queries.map(({ question, vector }) => [question, Float32Array.from(vector)]));
  const config = loadConfig();
  const logger = createLogger({ name: 'bench-api', level: 'error' });
  const telemetry = await startTelemetry({ serviceName: 'perdure-bench', config, logger });
  const deps = await createApiDeps(config, telemetry, logger);
  const embeddingModel: typeof deps.embeddingModel = (model) => ({
    ...deps.embeddingModel({ ...model, provider: 'local', model_id: 'all-MiniLM-L6-v2' }),
    embed: async (texts) => ({ vectors: texts.map((text) => vectors.get(text)!), usage: { promptTokens: null } }),
  });
  const server = await startHttpServer({ ...deps, embeddingModel }, { host: '127.0.0.1', port: 0 });
  process.send!({ port: server.port });
  process.once('disconnect', () => process.exit(0));
}

await main();
