import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { errorType, perdure } from './gen-ai-attributes.ts';
import type { Metrics } from './metrics.ts';

/** What the middleware reads of a Koa context. */
export interface HttpContext {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly protocol: string;
  readonly state: Record<string, unknown>;
}

/** Paths that probes and scrapers call all the time: counted, not traced. */
const untraced = /^\/(?:livez|readyz|metrics)$/;

/**
 * A Koa middleware that makes the server span of a request, continuing the caller's `traceparent`, and counts it by
 * route, as @koa/router matched it. It names the route's pattern, never the path or the query: they may hold ids and
 * what somebody searched for. It stands before whatever turns errors into responses.
 */
export function httpTelemetry(metrics: Metrics): (ctx: HttpContext, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    const started = performance.now();
    const parent = untraced.test(ctx.path)
      ? undefined
      : propagation.extract(context.active(), ctx.headers as Record<string, string>);
    const span = parent && trace.getTracer('perdure/http').startSpan(ctx.method, { kind: SpanKind.SERVER }, parent);
    try {
      await (span ? context.with(trace.setSpan(parent, span), next) : next());
    } finally {
      const matched: unknown = Reflect.get(ctx, '_matchedRoute');
      const route = typeof matched === 'string' ? matched : '(none)';
      metrics.httpRequest({
        method: ctx.method,
        route,
        status: ctx.status,
        seconds: (performance.now() - started) / 1000,
      });
      if (span) {
        span.updateName(`${ctx.method} ${route}`);
        span.setAttributes({
          'http.request.method': ctx.method,
          'http.route': route,
          'http.response.status_code': ctx.status,
          'url.scheme': ctx.protocol,
          ...(typeof ctx.state.requestId === 'string' ? { [perdure.requestId]: ctx.state.requestId } : {}),
        });
        if (ctx.status >= 500) {
          span.setAttribute(errorType, String(ctx.status));
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end();
      }
    }
  };
}
