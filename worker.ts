import { ConfigError, loadConfig } from './platform/config.ts';
import { createLogger } from './platform/log.ts';
import { serveMetrics } from './platform/telemetry/serve-metrics.ts';
import { installTemporalRuntime } from './platform/telemetry/temporal-runtime.ts';
import { StartError } from './platform/start-error.ts';
import { startTelemetry } from './platform/telemetry/start-telemetry.ts';

/** Runs the Temporal workers until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger({ name: 'worker', level: config.PERDURE_LOG_LEVEL });
  const telemetry = await startTelemetry({ serviceName: 'perdure-worker', config, logger });
  await installTemporalRuntime({ logger, metrics: telemetry.metrics, shutdownSignals: [] });
  const metricsServer = await serveMetrics(telemetry.metrics, config.PERDURE_METRICS_PORT, config.PERDURE_METRICS_HOST);
  // Imported late: what it loads must find telemetry and the runtime installed.
  const { createWorkerProcess } = await import('./platform/wiring-worker.ts');
  const worker = await createWorkerProcess(config, telemetry);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => worker.shutdown());
  logger.info({ queues: config.PERDURE_QUEUES, metrics_port: metricsServer.port }, 'worker is polling');
  const { isCutOff } = await worker.run();
  if (isCutOff) logger.warn('work under way was cut off; a worker that runs takes it up again');
  await metricsServer.close();
  await telemetry.shutdown();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const expected = error instanceof ConfigError || error instanceof StartError;
    process.stderr.write(`${expected ? error.message : error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
