import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as the receiver got it, its attributes flattened to plain values. */
export interface ReceivedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  kind: number;
  status: { code?: number; message?: string };
  attributes: Record<string, unknown>;
  events: { name: string; attributes: Record<string, unknown> }[];
  service: unknown;
}

type Attribute = { key: string; value: { arrayValue?: { values: object[] } } & Record<string, unknown> };

/** An OTLP/HTTP collector in this process that takes JSON and keeps every span, and the raw bodies. */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      bodies.push(body);
      spans.push(...readSpans(body));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    /** Waits until `find` is true of the spans; throws with what did arrive after `timeoutMs`. */
    async until(find: (spans: ReceivedSpan[]) => boolean, timeoutMs = 15_000): Promise<void> {
      const deadline = Date.now() + timeoutMs;
      while (!find(spans)) {
        if (Date.now() > deadline) throw new Error(`The spans did not arrive. Got:\n${renderTraces(spans)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The spans of one trace as an indented tree of names, children in the order of their arrival's names. */
export function renderTrace(spans: readonly ReceivedSpan[], traceId: string): string {
  const own = spans.filter((span) => span.traceId === traceId);
  const ids = new Set(own.map((span) => span.spanId));
  const lines = (parent: string, depth: number): string[] =>
    own
      .filter((span) => (depth === 0 ? !ids.has(span.parentSpanId) : span.parentSpanId === parent))
      .flatMap((span) => [`${'  '.repeat(depth)}${span.name}`, ...lines(span.spanId, depth + 1)]);
  return lines('', 0).join('\n');
}

/** Every trace, one tree after the other. */
export function renderTraces(spans: readonly ReceivedSpan[]): string {
  return [...new Set(spans.map((span) => span.traceId))].map((id) => `${id}\n${renderTrace(spans, id)}`).join('\n');
}

/** Names from the root of the trace down to the span. */
export function pathTo(spans: readonly ReceivedSpan[], span: ReceivedSpan): string[] {
  const parent = spans.find((other) => other.traceId === span.traceId && other.spanId === span.parentSpanId);
  return [...(parent ? pathTo(spans, parent) : []), span.name];
}

function readSpans(body: string): ReceivedSpan[] {
  const { resourceSpans = [] } = JSON.parse(body) as {
    resourceSpans?: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...(span as unknown as ReceivedSpan),
        parentSpanId: (span.parentSpanId as string | undefined) ?? '',
        attributes: flat(span.attributes as Attribute[]),
        events: ((span.events as { name: string; attributes: Attribute[] }[] | undefined) ?? []).map((event) => ({
          name: event.name,
          attributes: flat(event.attributes),
        })),
        service: flat(resource.attributes)['service.name'],
      })),
    ),
  );
}

function flat(attributes: Attribute[] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.arrayValue ? value.arrayValue.values.map((item) => Object.values(item)[0]) : Object.values(value)[0],
    ]),
  );
}
