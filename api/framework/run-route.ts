import { createHash } from 'node:crypto';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { RouterContext } from '@koa/router';
import { PerdureError } from '../../contracts/errors.ts';
import { maxJsonBodyBytes } from '../../contracts/names/limits.ts';
import type { KeyVerifier } from '../middleware/authenticate.ts';
import { mediaTypeOf, parseJson, readBody } from '../middleware/read-body.ts';
import { EventStream, eventStreamType } from '../streams/event-stream.ts';
import { answerOnce, answerOnceOutside } from './answer-once.ts';
import type { CapacityBudget, CapacityGate } from './capacity-gate.ts';
import { formMediaType, readForm } from './read-form.ts';
import type { Reply, Route, RouteDeps, RouteRequest } from './route.ts';
import { allows } from './scope.ts';
import { parseReply, sendReply } from './send-reply.ts';
import { validateParams, validatePart } from './validate-request.ts';

/** What the routes of one process share. */
export type RouteRuntime = {
  deps: RouteDeps;
  verifier: KeyVerifier;
  streams: CapacityBudget;
  bodies: CapacityBudget;
  /** Through which the transactions of quick routes go. */
  quick: CapacityGate;
  openStreams: Set<EventStream>;
};

type AnyRequest = RouteRequest<unknown, unknown, unknown>;

/** Serves one request by its route's declaration: key, scope, parameters, body, effect, answer, in this order. */
export async function runRoute(route: Route, ctx: RouterContext, runtime: RouteRuntime): Promise<void> {
  const principal = await runtime.verifier.verify(ctx.req.headers, ctx.method);
  if (!allows(principal, route.scope))
    throw new PerdureError('forbidden', `This key (role ${principal.role}) may not do what needs ${route.scope}.`);
  const params = validateParams(route.params, ctx.params);
  const input = await readInput(route, ctx, runtime);
  try {
    const request: AnyRequest = {
      params,
      query: input.upload || input.form ? undefined : validatePart('query', route.query, queryOf(ctx)),
      body: input.body,
      upload: input.upload,
      form: input.form,
      principal,
      user: readUser(ctx),
      lastEventId: ctx.get('last-event-id') || null,
      requestId: String(ctx.state['requestId']),
    };
    if ('stream' in route) await openStream(route, ctx, request, runtime);
    else if ('follow' in route && ctx.get('accept').startsWith(eventStreamType))
      await answerAndFollow(route, ctx, request, input.bytes, runtime);
    else sendReply(route, ctx, await answer(route, ctx, request, input.bytes, runtime));
  } finally {
    input.release();
  }
}

type Input = {
  bytes: Buffer;
  body: unknown;
  upload: AnyRequest['upload'];
  form: AnyRequest['form'];
  release: () => void;
};

async function readInput(route: Route, ctx: RouterContext, runtime: RouteRuntime): Promise<Input> {
  const nothing: Input = { bytes: Buffer.alloc(0), body: undefined, upload: null, form: null, release: () => {} };
  if (!route.body && !route.upload) return nothing;
  const mediaType = mediaTypeOf(ctx.req);
  if (route.bodyOptional && mediaType === '' && isEmpty(ctx.req))
    return { ...nothing, body: validatePart('body', route.body, {}) };
  if (route.upload?.mediaTypes.includes(mediaType)) {
    const query = validatePart('query', route.upload.query, queryOf(ctx));
    const { bytes, release } = await readBody(ctx.req, route.upload.maxBytes, runtime.bodies);
    return { ...nothing, bytes, upload: { bytes, mediaType: ctx.req.headers['content-type']!, query }, release };
  }
  if (route.form && mediaType === formMediaType) return readFormInput(route.form, ctx, runtime);
  if (mediaType !== 'application/json') {
    const accepted = ['application/json', ...(route.form ? [formMediaType] : []), ...(route.upload?.mediaTypes ?? [])];
    throw new PerdureError(
      'unsupported_media_type',
      `${mediaType === '' ? 'The request has no content-type' : `${mediaType} is not read here`}; send ${accepted.join(', ')}.`,
    );
  }
  const { bytes, release } = await readBody(ctx.req, route.maxBodyBytes ?? maxJsonBodyBytes, runtime.bodies);
  try {
    return { ...nothing, bytes, body: validatePart('body', route.body, parseJson(bytes)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function readFormInput(
  form: NonNullable<Route['form']>,
  ctx: RouterContext,
  runtime: RouteRuntime,
): Promise<Input> {
  const { bytes, release } = await readBody(ctx.req, form.maxBytes, runtime.bodies);
  try {
    const { fields, files, identity } = await readForm(bytes, ctx.get('content-type'));
    const checked = validatePart('body', form.fields, fields);
    // Its boundary differs each time a client sends it; what it holds does not.
    return { bytes: identity, body: undefined, upload: null, form: { fields: checked, files }, release };
  } catch (error) {
    release();
    throw error;
  }
}

function isEmpty({ headers }: RouterContext['req']): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

function queryOf(ctx: RouterContext): Record<string, string> {
  for (const [name, value] of Object.entries(ctx.query))
    if (Array.isArray(value))
      throw new PerdureError('bad_request', `query.${name}: given more than once`, {
        errors: [{ path: `query.${name}`, message: 'given more than once' }],
      });
  return { ...ctx.query } as Record<string, string>;
}

function readUser(ctx: RouterContext): string | null {
  const user = ctx.get('x-perdure-user').trim();
  if (user.length > 255) throw new PerdureError('bad_request', 'The header x-perdure-user may have 255 characters.');
  return user === '' ? null : user;
}

async function answer(
  route: Exclude<Route, { stream: unknown }>,
  ctx: RouterContext,
  request: AnyRequest,
  bytes: Buffer,
  runtime: RouteRuntime,
): Promise<Reply> {
  const key = readIdempotencyKey(route, ctx);
  const { workspaceId } = request.principal;
  if ('handle' in route) {
    const effect = () => route.handle(request, runtime.deps);
    if (key === null) return effect();
    const claim = { key, workspaceId, method: ctx.method, path: ctx.url, requestHash: hash(ctx, bytes) };
    return answerOnceOutside(runtime.deps.database, claim, effect);
  }
  const work = (em: EntityManager): Promise<Reply> => {
    const effect = () => route.transaction(em, request, runtime.deps);
    if (key === null) return effect();
    const claim = { key, workspaceId, method: ctx.method, path: ctx.url, requestHash: hash(ctx, bytes) };
    return answerOnce(em, claim, route, effect);
  };
  const transact = () => runtime.deps.database.inWorkspace(workspaceId, work, route.isQuick ? 'kept' : 'usual');
  const reply = await (route.isQuick ? runtime.quick.run(transact) : transact());
  // The row is committed and a sweep starts what could not be started now, so the answer does not depend on this.
  try {
    await reply.afterCommit?.();
    await route.afterCommit?.(reply, request, runtime.deps);
  } catch (error) {
    runtime.deps.log.warn({ request_id: request.requestId, route: route.path, err: error }, 'start left to the sweep');
  }
  return reply;
}

function readIdempotencyKey(route: Route, ctx: RouterContext): string | null {
  const key = ctx.get('idempotency-key');
  if (key === '' || !route.idempotent) return null;
  if (key.length > 255) throw new PerdureError('bad_request', 'The header Idempotency-Key may have 255 characters.');
  return key;
}

function hash(ctx: RouterContext, bytes: Buffer): Buffer {
  const head = JSON.stringify([mediaTypeOf(ctx.req), ctx.get('x-perdure-user')]);
  return createHash('sha256').update(head).update(bytes).digest();
}

/** Answers with an event stream that begins with the reply; it is known to be served before anything is written. */
async function answerAndFollow(
  route: Exclude<Route, { stream: unknown } | { handle: unknown }>,
  ctx: RouterContext,
  request: AnyRequest,
  bytes: Buffer,
  runtime: RouteRuntime,
): Promise<void> {
  const release = runtime.streams.take(1);
  try {
    const reply = await answer(route, ctx, request, bytes, runtime);
    const data = parseReply(route, reply);
    const feed = route.follow!(reply, request, runtime.deps);
    beginStream(route, ctx, request, runtime, {
      release,
      feed: async (stream) => {
        await stream.send([{ event: 'accepted', data }]);
        await feed(stream);
      },
    });
  } catch (error) {
    release();
    throw error;
  }
}

async function openStream(
  route: Extract<Route, { stream: unknown }>,
  ctx: RouterContext,
  request: AnyRequest,
  runtime: RouteRuntime,
): Promise<void> {
  const release = runtime.streams.take(1);
  const feed = await route.stream(request, runtime.deps).catch((error: unknown) => {
    release();
    throw error;
  });
  if (feed === null) {
    release();
    return sendReply(route, ctx, { status: 204 });
  }
  beginStream(route, ctx, request, runtime, { feed, release });
}

function beginStream(
  route: Route,
  ctx: RouterContext,
  request: AnyRequest,
  runtime: RouteRuntime,
  { feed, release }: { feed: (stream: EventStream) => Promise<void>; release: () => void },
): void {
  ctx.respond = false;
  ctx.status = 200;
  for (const [name, value] of Object.entries(ctx.response.headers)) ctx.res.setHeader(name, value as string);
  const stream = new EventStream(ctx.res, runtime.deps);
  runtime.openStreams.add(stream);
  // Not awaited: the request's span and log line end when the stream begins.
  void feed(stream)
    .catch((error: unknown) => {
      runtime.deps.log.warn({ request_id: request.requestId, route: route.path, err: error }, 'stream broke off');
    })
    .finally(() => {
      stream.end();
      runtime.openStreams.delete(stream);
      release();
    });
}
