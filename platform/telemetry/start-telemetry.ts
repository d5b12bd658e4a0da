import type { ClientPlugin } from '@temporalio/client';
import type { WorkerPlugin } from '@temporalio/worker';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { createMetrics } from './metrics.ts';
import type { Metrics } from './metrics.ts';
import { spanSinkPlugin } from './span-sink.ts';

/** What a process hands to Temporal so that one trace runs through it, and the way to end it. */
export interface Telemetry {
  /** Whether spans are exported. */
  readonly enabled: boolean;
  /** For every `new Client`. */
  readonly clientPlugins: ClientPlugin[];
  /** For every `Worker.create`, also when nothing is exported: workflows hand out spans all the same. */
  readonly workerPlugins: WorkerPlugin[];
  /** The counters of this process, exported or not: `/metrics` shows them. */
  readonly metrics: Metrics;
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
  const metrics = createMetrics(serviceName);
  const url = collectorUrl(config);
  if (url === undefined) {
    const workerPlugins = [spanSinkPlugin(undefined)];
    return { enabled: false, clientPlugins: [], workerPlugins, metrics, shutdown: async () => {} };
  }
  const { startTracing } = await import('./tracing.ts');
  return { enabled: true, metrics, ...startTracing({ serviceName, config, url, logger }) };
}

function collectorUrl(config: Config): string | undefined {
  if (config.OTEL_SDK_DISABLED) return undefined;
  if (config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) return config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  return config.OTEL_EXPORTER_OTLP_ENDPOINT && `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`;
}
