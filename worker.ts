import { ConfigError, loadConfig } from './platform/config.ts';
import { createLogger } from './platform/log.ts';
import { serveMetrics } from './platform/telemetry/metrics.ts';
import { installTemporalRuntime } from './platform/telemetry/runtime.ts';
import { startTelemetry } from './platform/telemetry/start-telemetry.ts';

/** Runs the Temporal workers until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger({ name: 'worker', level: config.PERDURE_LOG_LEVEL });
  const telemetry = await startTelemetry({ serviceName: 'perdure-worker', config });
  await installTemporalRuntime({ logger, shutdownSignals: [] });
  const metricsServer = await serveMetrics(config.PERDURE_METRICS_PORT);
  // Imported late: what it loads must find telemetry and the runtime installed.
  const { createWorkerProcess } = await import('./platform/wiring-worker.ts');
  const worker = await createWorkerProcess(config, telemetry);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => worker.shutdown());
  logger.info({ queues: config.PERDURE_QUEUES }, 'worker is polling');
  await worker.run();
  await metricsServer.close();
  await telemetry.shutdown();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error);
    process.stderr.write(`${text}\n`);
    process.exit(1);
  },
);
