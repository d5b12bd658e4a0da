import type { Middleware } from 'koa';

const asked = 'authorization, content-type, idempotency-key, last-event-id, x-api-key, x-perdure-user';
const shown = 'idempotent-replayed, location, retry-after, x-request-id';

/**
 * Lets pages of these origins (`*` for all) call the API from a browser (Fetch standard, CORS protocol). Keys travel in
 * headers and never in cookies, so credentials are not allowed and a foreign page gains nothing by a visitor's browser.
 */
export function allowOrigins(origins: readonly string[]): Middleware {
  return async (ctx, next) => {
    const origin = ctx.get('origin');
    if (origins.length > 0) ctx.vary('origin');
    const isAllowed = origin !== '' && (origins.includes('*') || origins.includes(origin));
    if (isAllowed) {
      ctx.set('access-control-allow-origin', origin);
      ctx.set('access-control-expose-headers', shown);
    }
    if (!isAllowed || ctx.method !== 'OPTIONS' || ctx.get('access-control-request-method') === '') {
      await next();
      return;
    }
    ctx.set('access-control-allow-methods', 'GET, POST, PUT, PATCH, DELETE');
    ctx.set('access-control-allow-headers', asked);
    ctx.set('access-control-max-age', '600');
    ctx.status = 204;
  };
}
