import { readFileSync } from 'node:fs';
import { context, diag, DiagLogLevel, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Config } from '../config.ts';
import type { Logger } from '../log.ts';
import { traceQueries } from './query-spans.ts';
import { SafeSpanProcessor } from './safe-span-processor.ts';
import { spanSinkPlugin } from './span-sink.ts';
import type { Telemetry } from './start-telemetry.ts';
import { temporalTracePlugins } from './temporal-plugins.ts';
import { readableSpan } from './workflow-spans.ts';

const shutdownMs = 2000;

/**
 * Registers the tracer of this process, exporting to `url` over OTLP/HTTP in protobuf, or in JSON where
 * OTEL_EXPORTER_OTLP_PROTOCOL says so. Sampler, batching, headers and resource follow the standard OTEL_* variables.
 */
export function startTracing({
  serviceName,
  config,
  url,
  logger,
}: {
  serviceName: string;
  config: Config;
  url: string;
  logger: Logger | undefined;
}): Pick<Telemetry, 'clientPlugins' | 'workerPlugins' | 'shutdown'> {
  reportFailures(logger);
  const resource = defaultResource()
    .merge(resourceFromAttributes({ 'service.name': serviceName, 'service.version': productVersion() }))
    .merge(detectResources({ detectors: [envDetector] }));
  const json = config.OTEL_EXPORTER_OTLP_PROTOCOL === 'http/json';
  const exporter = json ? new JsonExporter({ url }) : new ProtobufExporter({ url });
  const processor = new SafeSpanProcessor(new BatchSpanProcessor(exporter));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const stopTracingQueries = traceQueries();
  const { clientPlugin, workerPlugin } = temporalTracePlugins();
  const sinkPlugin = spanSinkPlugin((span, workflow) => processor.onEnd(readableSpan(span, workflow, resource)));
  return {
    clientPlugins: [clientPlugin],
    workerPlugins: [workerPlugin, sinkPlugin],
    shutdown: async () => {
      stopTracingQueries();
      const { promise: deadline, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, shutdownMs);
      // A collector that is away must not keep a process from stopping.
      await Promise.race([provider.shutdown().catch(() => undefined), deadline]);
      clearTimeout(timer);
      trace.disable();
      context.disable();
      propagation.disable();
    },
  };
}

function productVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}

/** Says at most once a minute that spans cannot be delivered: a collector that is away fails every few seconds. */
function reportFailures(logger: Logger | undefined): void {
  let nextAt = 0;
  const report = (message: string): void => {
    if (Date.now() < nextAt) return;
    nextAt = Date.now() + 60_000;
    logger?.warn({ reason: message.slice(0, 300) }, 'Traces could not be delivered; see OTEL_EXPORTER_OTLP_ENDPOINT');
  };
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: report, warn: report, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
