import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { z } from 'zod';
import type { Reply, Route } from './route.ts';

/**
 * Writes a reply after parsing it by the route's own declaration, so that a column that was never declared fails the
 * request instead of leaking. @throws Error when status or body are not what the route declares.
 */
export function sendReply(route: Pick<Route, 'method' | 'path' | 'responses'>, ctx: Context, reply: Reply): void {
  const declared = route.responses[reply.status];
  const spec = declared && 'json' in declared && !reply.content ? declared.json : declared;
  const name = `${route.method} ${route.path}`;
  if (spec === undefined) throw new Error(`${name} answered ${reply.status}, which it does not declare.`);
  ctx.status = reply.status;
  for (const [header, value] of Object.entries(reply.headers ?? {})) ctx.set(header, value);
  if (spec === null) {
    ctx.body = null;
    ctx.status = reply.status;
  } else if (spec instanceof z.ZodType) {
    ctx.body = JSON.stringify(parseBody(name, spec, reply));
    ctx.type = 'application/json';
  } else {
    const { content } = reply;
    ctx.body = content && 'parts' in content ? openParts(ctx, content.parts) : (content?.text ?? '');
    ctx.set('content-type', content?.mediaType ?? ('or' in spec ? spec.or : spec.mediaType));
  }
}

/** The body of a JSON reply, parsed as by `sendReply`. @throws Error when it is not what the route declares. */
export function parseReply(route: Pick<Route, 'method' | 'path' | 'responses'>, reply: Reply): unknown {
  const spec = route.responses[reply.status];
  const name = `${route.method} ${route.path}`;
  if (!(spec instanceof z.ZodType)) throw new Error(`${name} answered ${reply.status}, which it does not declare.`);
  return parseBody(name, spec, reply);
}

function parseBody(name: string, spec: z.ZodType, { status, body }: Reply): unknown {
  const parsed = spec.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Error(`${name} answered ${status} with what it does not declare: ${parsed.error.message}`);
}

function openParts(ctx: Context, parts: AsyncIterable<string>): Readable {
  // Koa reports the error; an answer that merely ended could be taken for a whole one.
  return Readable.from(parts).once('error', () => ctx.res.destroy());
}
