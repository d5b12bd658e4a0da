import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { createMetrics, metricsContentType } from '../../../platform/telemetry/metrics.ts';
import { serveMetrics } from '../../../platform/telemetry/serve-metrics.ts';

test('what a process counted is served in the format of Prometheus, with its name', async () => {
  const metrics = createMetrics('perdure-worker');
  metrics.httpRequest({ method: 'GET', route: '/documents/:id', status: 200, seconds: 0.02 });
  metrics.turnFinished('done');
  metrics.turnFinished('done');
  metrics.firstToken(0.04);
  metrics.documentFinished('failed');
  metrics.chunksEmbedded(32);
  metrics.providerCall({
    provider: 'openai',
    model: 'm',
    operation: 'chat',
    outcome: 'rate_limited',
    seconds: 1,
    inputTokens: null,
  });
  metrics.watchPool('app', { totalCount: 5, idleCount: 3, waitingCount: 1 });
  const server = await serveMetrics(metrics, 0);
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(response.headers.get('content-type')).toBe(metricsContentType);
    const text = await response.text();
    const process = 'service_name="perdure-worker"';
    expect(sample(text, 'perdure_turns_total', process, 'outcome="done"')).toBe(2);
    expect(sample(text, 'perdure_documents_total', process, 'outcome="failed"')).toBe(1);
    expect(sample(text, 'perdure_chunks_embedded_total', process)).toBe(32);
    expect(sample(text, 'perdure_http_request_duration_seconds_bucket', 'route="/documents/:id"', 'le="0.025"')).toBe(
      1,
    );
    expect(sample(text, 'perdure_http_request_duration_seconds_bucket', 'status="200"', 'le="0.01"')).toBe(0);
    expect(sample(text, 'perdure_turn_first_token_seconds_count')).toBe(1);
    expect(sample(text, 'perdure_provider_call_duration_seconds_count', 'outcome="rate_limited"')).toBe(1);
    expect(sample(text, 'perdure_database_connections', 'pool="app"', 'state="waiting"')).toBe(1);
    expect(sample(text, 'perdure_memory_bytes', 'kind="resident"')).toBeGreaterThan(1e7);
    expect(text).not.toMatch(/perdure_provider_tokens/);
    expect((await fetch(`http://127.0.0.1:${server.port}/other`)).status).toBe(404);
  } finally {
    await server.close();
  }
});

test('a port that is taken is no reason not to serve', async () => {
  const first = await serveMetrics(createMetrics('one'), 0);
  const second = await serveMetrics(createMetrics('two'), first.port);
  try {
    expect(second.port).not.toBe(first.port);
    expect(await (await fetch(`http://127.0.0.1:${second.port}/metrics`)).text()).toContain('service_name="two"');
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
});

test('the text of another process is joined in, and nothing of one that does not answer', async () => {
  const other = createServer((_request, response) => response.end('# TYPE temporal_x counter\ntemporal_x 7\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const metrics = createMetrics('perdure-api');
  metrics.mergeFrom(`http://127.0.0.1:${(other.address() as AddressInfo).port}/metrics`);
  expect(await metrics.render()).toContain('temporal_x 7\n');
  await new Promise((resolve) => other.close(resolve));
  const text = await metrics.render();
  expect(text).not.toContain('temporal_x');
  expect(text).toContain('perdure_memory_bytes');
});

function sample(text: string, name: string, ...labels: string[]): number {
  const line = text
    .split('\n')
    .find((candidate) => candidate.startsWith(name) && labels.every((label) => candidate.includes(label)));
  if (line === undefined) throw new Error(`No ${name} with ${labels.join(', ')} in:\n${text}`);
  return Number(line.slice(line.lastIndexOf(' ')));
}
