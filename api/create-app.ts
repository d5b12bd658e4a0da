import Router from '@koa/router';
import Koa from 'koa';
import type { Context } from 'koa';
import { PerdureError } from '../contracts/errors.ts';
import type { Database } from '../platform/database.ts';
import type { ApiDeps } from './api-deps.ts';
import { CapacityBudget, CapacityGate } from './framework/capacity-gate.ts';
import { runRoute } from './framework/run-route.ts';
import type { RouteRuntime } from './framework/run-route.ts';
import { sendReply } from './framework/send-reply.ts';
import { probeRoutes } from './health/routes.ts';
import { allowOrigins } from './middleware/allow-origins.ts';
import { KeyVerifier } from './middleware/authenticate.ts';
import { identifyRequest } from './middleware/identify-request.ts';
import { renderProblems } from './middleware/render-problems.ts';
import { buildOpenApi } from './openapi/build-openapi.ts';
import { routes } from './routes.ts';
import { ConversationFeed } from './streams/conversation-feed.ts';
import { TurnFeed } from './streams/turn-feed.ts';

/** Longest that a request waits for its transaction before it is answered 503. */
const waitMs = 5_000;

// Enough to keep this process busy while its statements are under way.
const quickAtOnce = 3;

let description: string | null = null;
const openApi = (): string => (description ??= JSON.stringify(buildOpenApi(routes)));

/** The whole HTTP interface as one request listener, and what a clean stop needs. */
export type App = {
  callback: ReturnType<Koa['callback']>;
  /** Ends every event stream with a hint to come back, and tells the keep-alive connections to close. */
  beginStop(): void;
};

/** Builds the API over its dependencies; it opens and closes nothing itself. */
export function createApp(deps: ApiDeps): App {
  let stopping = false;
  const runtime: RouteRuntime = {
    deps: {
      ...deps,
      database: gated(deps),
      turnFeed: new TurnFeed(deps),
      conversationFeed: new ConversationFeed(deps),
      openApi,
    },
    verifier: new KeyVerifier(deps.database),
    streams: new CapacityBudget(deps.capacity.streams),
    bodies: new CapacityBudget(deps.capacity.bodyBytes),
    quick: new CapacityGate({ limit: quickAtOnce, waiting: deps.capacity.waiting, waitMs }),
    openStreams: new Set(),
  };
  const app = new Koa();
  // Whatever happens after an answer has begun (a client that went away) cannot be answered any more.
  app.silent = true;
  app.use(identifyRequest(deps.log, () => stopping));
  app.use(allowOrigins(deps.corsOrigins));
  app.use(deps.httpTelemetry);
  app.use(renderProblems(deps.log));
  const router = createRouter(runtime);
  app.use(router.routes());
  app.use((ctx) => refuseUnmatched(ctx, router, runtime));
  return {
    callback: app.callback(),
    beginStop() {
      stopping = true;
      for (const stream of runtime.openStreams) stream.end();
    },
  };
}

/** The database behind a gate: what is too much waits here in order or is refused, instead of exhausting the pool. */
function gated({ database, capacity }: ApiDeps): Database {
  const gate = new CapacityGate({ limit: capacity.transactions, waiting: capacity.waiting, waitMs });
  return { ...database, inWorkspace: (id, work, plans) => gate.run(() => database.inWorkspace(id, work, plans)) };
}

function createRouter(runtime: RouteRuntime): Router {
  const router = new Router();
  for (const probe of probeRoutes)
    router.register(probe.path, ['GET'], async (ctx) => sendReply(probe, ctx, await probe.probe(runtime.deps)));
  for (const route of routes)
    router.register(route.path.replaceAll(/\{(\w+)\}/g, ':$1'), [route.method], (ctx) => runRoute(route, ctx, runtime));
  return router;
}

/** Unknown addresses are as closed as known ones: without a key nobody learns which exist. */
async function refuseUnmatched(ctx: Context, router: Router, runtime: RouteRuntime): Promise<void> {
  await runtime.verifier.verify(ctx.req.headers, ctx.method);
  const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
  if (methods.size === 0)
    throw new PerdureError('not_found', `There is no address ${ctx.path}. GET /docs lists all of them.`);
  const allow = [...methods].toSorted().join(', ');
  throw new PerdureError('method_not_allowed', `${ctx.path} takes ${allow}, not ${ctx.method}.`, { allow });
}
