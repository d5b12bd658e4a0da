import { randomUUID } from 'node:crypto';
import type { Context, Next } from 'koa';
import type { ApiLogger } from '../api-deps.ts';

const acceptable = /^[\w.:/+=-]{1,128}$/;
/** Probes come every few seconds and say nothing when they go well. */
const quiet = new Set(['/livez', '/readyz', '/metrics']);

/**
 * Gives each request an id (the caller's `x-request-id` if it is plain, else a new one), sends it back, and logs one
 * line when the answer was given. Neither query nor body is logged: they may hold content.
 */
export function identifyRequest(log: ApiLogger, stopping: () => boolean) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const given = ctx.get('x-request-id');
    const requestId = acceptable.test(given) ? given : randomUUID();
    ctx.state['requestId'] = requestId;
    ctx.set('x-request-id', requestId);
    ctx.set('x-content-type-options', 'nosniff');
    if (stopping()) ctx.set('connection', 'close');
    const begin = performance.now();
    await next();
    if (quiet.has(ctx.path) && ctx.status < 500) return;
    const route = String(ctx['_matchedRoute'] ?? 'unmatched');
    const milliseconds = Math.round((performance.now() - begin) * 10) / 10;
    const fields = { request_id: requestId, method: ctx.method, route, status: ctx.status, ms: milliseconds };
    if (ctx.status >= 500) log.warn(fields, 'request');
    else log.info(fields, 'request');
  };
}
