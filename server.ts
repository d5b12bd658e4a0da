import { PerdureError } from './contracts/errors.ts';
import { ConfigError, loadConfig } from './platform/config.ts';
import { createLogger } from './platform/log.ts';
import { StartError } from './platform/start-error.ts';
import { startTelemetry } from './platform/telemetry/start-telemetry.ts';

/** Serves the API until SIGTERM or SIGINT. */
async function main(): Promise<void> {
  const config = loadConfig();
  const logger = createLogger({ name: 'api', level: config.PERDURE_LOG_LEVEL });
  const telemetry = await startTelemetry({ serviceName: 'perdure-api', config, logger });
  // Imported late: what they load must find telemetry installed.
  const { createApiDeps } = await import('./platform/wiring-api.ts');
  const { startHttpServer } = await import('./api/start-http-server.ts');
  const deps = await createApiDeps(config, telemetry, logger);
  const server = await startHttpServer(deps, { host: config.PERDURE_HOST, port: config.PERDURE_PORT });
  logger.info({ host: config.PERDURE_HOST, port: server.port }, 'the API listens');
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  await server.stop();
  await deps.close();
  await telemetry.shutdown();
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const expected = [ConfigError, StartError, PerdureError].some((kind) => error instanceof kind);
    const failure = error instanceof Error ? error : new Error(String(error));
    process.stderr.write(`${expected ? failure.message : failure.stack}\n`);
    process.exit(1);
  },
);
