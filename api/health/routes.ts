import type { ReadinessCheck } from '../../contracts/health.ts';
import { livenessSchema, readinessSchema } from '../../contracts/health.ts';
import type { ApiDeps } from '../api-deps.ts';
import { defineRoute } from '../framework/route.ts';
import type { Reply, ResponseSpec, Route } from '../framework/route.ts';
import { checkReadiness } from './check-readiness.ts';

/** A route that is open without a key. */
export type ProbeRoute = {
  method: 'GET';
  path: `/${string}`;
  tag: string;
  summary: string;
  responses: Record<number, ResponseSpec>;
  probe: (deps: ApiDeps) => Promise<Reply>;
};

/** The only addresses that need no key. */
export const probeRoutes: readonly ProbeRoute[] = [
  {
    method: 'GET',
    path: '/livez',
    tag: 'Health',
    summary: 'Whether this process serves',
    responses: { 200: livenessSchema },
    probe: async () => ({ status: 200, body: { status: 'alive' } }),
  },
  {
    method: 'GET',
    path: '/readyz',
    tag: 'Health',
    summary: 'Whether the database, Temporal and the workers can be reached',
    responses: { 200: readinessSchema, 503: readinessSchema },
    probe: async (deps) => {
      const checks = await checkReadiness(deps);
      const ready = checks.every((check: ReadinessCheck) => check.state === 'up');
      return { status: ready ? 200 : 503, body: { status: ready ? 'ready' : 'not_ready', checks } };
    },
  },
];

/** Prometheus metrics of the API and, on one machine, of the worker. */
export const metricsRoutes: readonly Route[] = [
  defineRoute({
    method: 'GET',
    path: '/metrics',
    tag: 'Health',
    summary: 'Metrics in the text format of Prometheus',
    scope: 'usage:read',
    responses: { 200: { mediaType: 'text/plain; version=0.0.4; charset=utf-8', description: 'Metrics' } },
    handle: async (_request, deps) => ({
      status: 200,
      content: { mediaType: 'text/plain; version=0.0.4; charset=utf-8', text: await deps.renderMetrics() },
    }),
  }),
];
