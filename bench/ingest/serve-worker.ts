import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadConfig } from '../../platform/config.ts';
import { createLogger } from '../../platform/log.ts';
import { startTelemetry } from '../../platform/telemetry/start-telemetry.ts';
import { installTemporalRuntime } from '../../platform/telemetry/temporal-runtime.ts';
import { ProviderError } from '../../providers/provider-error.ts';
import { createProviders } from '../../providers/registry.ts';
import type { Providers } from '../../providers/registry.ts';
import { openVectors } from './vector-file.ts';

/**
 * The product's worker, whole but for one part: instead of computing, its embedding model looks vectors up, so that all
 * the rest of an ingestion is what is measured. `node serve-worker.ts VECTORS`
 */
async function main(): Promise<void> {
  const findVector = await openVectors(process.argv[2]!);
  const config = loadConfig();
  const logger = createLogger({ name: 'bench-worker', level: 'error' });
  const telemetry = await startTelemetry({ serviceName: 'perdure-bench', config, logger });
  await installTemporalRuntime({ logger, metrics: telemetry.metrics, shutdownSignals: [] });
  const { createWorkerProcess } = await import('../../platform/wiring-worker.ts');
  const worker = await createWorkerProcess(config, telemetry, (options) =>
    lookUp(createProviders(options), findVector),
  );
  process.once('disconnect', () => worker.shutdown());
  process.on('message', () => process.send!(liveMegabytes()));
  process.send!('polling');
  await worker.run();
}

// What is in use, not what waits to be collected: with much room on the machine that comes late.
function liveMegabytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1e6;
}

type FindVector = Awaited<ReturnType<typeof openVectors>>;

function lookUp(providers: Providers, findVector: FindVector): Providers {
  return {
    ...providers,
    // Tokens are counted as with the local model, which an ingestion pays for with every model.
    embeddingModel: ({ provider }) => ({
      ...providers.embeddingModel({
        provider: 'local',
        modelId: 'all-MiniLM-L6-v2',
        endpoint: null,
        apiKey: null,
        capabilities: {},
      }),
      provider,
      embed: async (texts) => ({ vectors: texts.map((text) => find(findVector, text)), usage: { promptTokens: null } }),
    }),
  };
}

function find(findVector: FindVector, text: string): Float32Array {
  const vector = findVector(text);
  if (vector === undefined) {
    // Not to be tried again: the product cuts in another way than was planned.
    throw new ProviderError('invalid_request', `The bench has no vector for the chunk "${text.slice(0, 100)}".`, {
      retryable: false,
    });
  }
  return vector;
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
