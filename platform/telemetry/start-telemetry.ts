import type { ClientPlugin } from '@temporalio/client';
import type { WorkerPlugin } from '@temporalio/worker';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { spanSinkPlugin } from './span-sink.ts';

/** What a process hands to Temporal so that one trace runs through it, and the way to end it. */
export interface Telemetry {
  /** Whether spans are exported. */
  readonly enabled: boolean;
  /** For every `new Client`. */
  readonly clientPlugins: ClientPlugin[];
  /** For every `Worker.create`, also when nothing is exported: workflows hand out spans all the same. */
  readonly workerPlugins: WorkerPlugin[];
  /** Sends what is still buffered, for two seconds at the most. Never throws. */
  shutdown(): Promise<void>;
}

/**
 * Starts the export of traces when the settings name a collector (the standard OTEL_* variables). Must run before the
 * process makes its first client or pool. Without a collector no part of the SDK is loaded and every span is a no-op.
 */
export async function startTelemetry({
  serviceName,
  config,
  logger,
}: {
  serviceName: string;
  config: Config;
  logger?: Logger;
}): Promise<Telemetry> {
  const url = collectorUrl(config);
  if (url === undefined) {
    return { enabled: false, clientPlugins: [], workerPlugins: [spanSinkPlugin(undefined)], shutdown: async () => {} };
  }
  const { startTracing } = await import('./tracing.ts');
  return startTracing({ serviceName, config, url, logger });
}

function collectorUrl(config: Config): string | undefined {
  if (config.OTEL_SDK_DISABLED) return undefined;
  if (config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  return config.OTEL_EXPORTER_OTLP_ENDPOINT && `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`;
}
