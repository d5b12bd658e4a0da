import { monitorEventLoopDelay } from 'node:perf_hooks';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { mergeExpositions } from './merge-expositions.ts';

/** Content type of what `render` gives. */
export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8';

/** One finished call to a model provider; `outcome` is `ok`, `stopped` (the reader left) or an error's code. */
export interface ProviderCall {
  readonly provider: string;
  readonly model: string;
  readonly operation: 'chat' | 'embeddings';
  readonly outcome: string;
  readonly seconds: number;
  readonly firstTextSeconds?: number;
  readonly inputTokens?: number | null;
  readonly outputTokens?: number | null;
}

/** What a process counts. Labels are routes, models and codes, never ids: their number stays small. */
export interface Metrics {
  httpRequest(request: { method: string; route: string; status: number; seconds: number }): void;
  turnFinished(outcome: 'done' | 'error' | 'cancelled'): void;
  /** Seconds from the acceptance of a message to the commit of its first text. */
  firstToken(seconds: number): void;
  documentFinished(outcome: 'active' | 'failed' | 'abandoned' | 'cancelled'): void;
  chunksEmbedded(count: number): void;
  providerCall(call: ProviderCall): void;
  /** A call of a turn's model that failed, and what the turn did then. */
  modelFailed(fault: { model: string; code: string; outcome: 'retried' | 'fell_back' | 'gave_up' }): void;
  /** A breach that a check of the invariants has found, by the invariant's number. */
  invariantBroken(invariant: number): void;
  /** Shows which models rest because they failed too often, read when somebody asks. */
  watchCircuits(read: () => Promise<ReadonlyArray<{ name: string; state: number }>>): void;
  /** Shows the use of a pool of connections, read when somebody asks. */
  watchPool(name: string, pool: { totalCount: number; idleCount: number; waitingCount: number }): void;
  /** Adds what another address serves in the same format, and nothing while nobody answers there. */
  mergeFrom(url: string): void;
  /** Everything in Prometheus's text format. */
  render(): Promise<string>;
}

const seconds = {
  unit: 's',
  advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] },
};
const sourceTimeoutMs = 1000;

/** Makes the process's counters; each carries `serviceName` as the label `service_name`. */
export function createMetrics(serviceName: string): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const resource = resourceFromAttributes({ 'service.name': serviceName });
  const meter = new MeterProvider({ resource, readers: [reader] }).getMeter('perdure');
  const http = meter.createHistogram('perdure_http_request_duration_seconds', {
    ...seconds,
    description: 'Time to answer an HTTP request; of a stream, until it ended',
  });
  const turns = meter.createCounter('perdure_turns', { description: 'Turns that ended' });
  const firstTokens = meter.createHistogram('perdure_turn_first_token_seconds', {
    ...seconds,
    description: 'Time from the acceptance of a message to the commit of its first text',
  });
  const documents = meter.createCounter('perdure_documents', { description: 'Ingestions of a document that ended' });
  const chunks = meter.createCounter('perdure_chunks_embedded', { description: 'Chunks whose embedding was stored' });
  const calls = meter.createHistogram('perdure_provider_call_duration_seconds', {
    ...seconds,
    description: 'Time of a call to a model provider',
  });
  const firstTexts = meter.createHistogram('perdure_provider_first_text_seconds', {
    ...seconds,
    description: 'Time from a call to a chat model to its first text',
  });
  const tokens = meter.createCounter('perdure_provider_tokens', { description: 'Tokens as the provider counted them' });
  const modelFaults = meter.createCounter('perdure_turn_model_faults', {
    description: "Failed calls of turns' models, and what the turn did then: retried, fell_back or gave_up",
  });
  const breaches = meter.createCounter('perdure_invariant_breaches', {
    description: 'Breaches that checks of the invariants have found, counted in every check',
  });
  const circuits = meter.createObservableGauge('perdure_model_circuit_open', {
    description: 'Models that failed: 1 while nobody calls them, 0.5 while one turn tries them, 0 otherwise',
  });
  const pools = meter.createObservableGauge('perdure_database_connections', {
    description: 'Connections of a pool: open, idle, and requests that wait for one',
  });
  observeProcess(meter);
  const sources: string[] = [];
  // No target_info and no scope labels: one label for the process is enough to tell two apart.
  const serializer = new PrometheusSerializer(undefined, false, /^service\.name$/, true, true);
  return {
    httpRequest: ({ method, route, status, seconds: taken }) => http.record(taken, { method, route, status }),
    turnFinished: (outcome) => turns.add(1, { outcome }),
    firstToken: (taken) => firstTokens.record(taken),
    documentFinished: (outcome) => documents.add(1, { outcome }),
    chunksEmbedded: (count) => chunks.add(count),
    providerCall: ({ provider, model, operation, outcome, ...call }) => {
      const labels = { provider, model, operation };
      calls.record(call.seconds, { ...labels, outcome });
      if (call.firstTextSeconds !== undefined) firstTexts.record(call.firstTextSeconds, labels);
      if (call.inputTokens != null) tokens.add(call.inputTokens, { ...labels, direction: 'input' });
      if (call.outputTokens != null) tokens.add(call.outputTokens, { ...labels, direction: 'output' });
    },
    modelFailed: (fault) => modelFaults.add(1, fault),
    invariantBroken: (invariant) => breaches.add(1, { invariant: String(invariant) }),
    watchCircuits: (read) =>
      circuits.addCallback(async (result) => {
        for (const { name, state } of await read().catch(() => [])) result.observe(state, { model: name });
      }),
    watchPool: (name, pool) =>
      pools.addCallback((result) => {
        result.observe(pool.totalCount, { pool: name, state: 'open' });
        result.observe(pool.idleCount, { pool: name, state: 'idle' });
        result.observe(pool.waitingCount, { pool: name, state: 'waiting' });
      }),
    mergeFrom: (url) => void sources.push(url),
    render: async () => {
      const [{ resourceMetrics }, ...others] = await Promise.all([reader.collect(), ...sources.map(fetchText)]);
      return mergeExpositions([serializer.serialize(resourceMetrics), ...others]);
    },
  };
}

function observeProcess(meter: ReturnType<MeterProvider['getMeter']>): void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  meter
    .createObservableGauge('perdure_event_loop_delay_seconds', {
      description: '99th percentile of the delay of the event loop since the last reading',
    })
    .addCallback((result) => {
      result.observe(delay.percentile(99) / 1e9);
      delay.reset();
    });
  meter
    .createObservableGauge('perdure_memory_bytes', { description: 'Memory of the process' })
    .addCallback((result) => {
      const { rss, heapUsed } = process.memoryUsage();
      result.observe(rss, { kind: 'resident' });
      result.observe(heapUsed, { kind: 'heap' });
    });
}

async function fetchText(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(sourceTimeoutMs) });
    return response.ok ? await response.text() : '';
  } catch {
    return '';
  }
}
