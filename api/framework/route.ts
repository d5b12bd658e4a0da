import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import type { ApiDeps } from '../api-deps.ts';
import type { EventStream } from '../streams/event-stream.ts';
import type { ConversationFeed } from '../streams/conversation-feed.ts';
import type { TurnFeed } from '../streams/turn-feed.ts';
import type { UploadedForm } from './read-form.ts';
import type { Principal, Scope } from './scope.ts';

/** What handlers work with: the dependencies, and what one process shares over them. */
export type RouteDeps = ApiDeps & {
  turnFeed: TurnFeed;
  conversationFeed: ConversationFeed;
  /** The OpenAPI document as JSON. */
  openApi(): string;
};

/** A request after its key, its parameters and its body were checked against the route's declaration. */
export type RouteRequest<Params, Query, Body> = {
  params: Params;
  query: Query;
  body: Body;
  /** Bytes and media type (with its parameters) of a raw upload, null when the body is JSON or absent. */
  upload: { bytes: Buffer; mediaType: string; query: Record<string, unknown> } | null;
  /** Files and fields of a multipart form, null when the body is something else. */
  form: UploadedForm | null;
  principal: Principal;
  /** External id of the end user in the header `x-perdure-user`, null when not given. */
  user: string | null;
  /** Value of the header `Last-Event-ID`, null when not given. */
  lastEventId: string | null;
  requestId: string;
};

/**
 * What a handler answers: JSON as `body`, or any other media type as `content`, whole or in parts that are read as the
 * client takes them in; parts that fail break the connection off, so that what was sent does not look complete.
 */
export type Reply = {
  status: number;
  body?: unknown;
  content?: { mediaType: string } & ({ text: string } | { parts: AsyncIterable<string> });
  headers?: Record<string, string>;
  /** What is left to do once this very reply was committed; `afterCommit` of the route also runs for a replayed one. */
  afterCommit?: () => Promise<void>;
};

/** A declared answer: the schema of its JSON, null for no body, or another media type (`item`: of one event of a stream),
 * or JSON and, by the request's choice, another media type. */
export type ResponseSpec =
  | z.ZodType
  | null
  | { mediaType: string; description: string; item?: z.ZodType }
  | { json: z.ZodType; or: string };

type Handlers<Request> =
  | {
      /** Runs in one transaction of the workspace; what it throws undoes everything. */
      transaction: (em: EntityManager, request: Request, deps: RouteDeps) => Promise<Reply>;
      /** The transaction is short and somebody waits for what follows it: few run at once, so that of many requests that
       * come together the first ones are served sooner, and the last ones no later. */
      isQuick?: true;
      /** Runs after the commit, also when a stored answer is replayed; must be harmless when run again. */
      afterCommit?: (reply: Reply, request: Request, deps: RouteDeps) => Promise<void>;
      /**
       * What becomes of whatever was committed, for a client that asks for text/event-stream: sent behind the body of the
       * reply, which is the event `accepted`.
       */
      follow?: (reply: Reply, request: Request, deps: RouteDeps) => (stream: EventStream) => Promise<void>;
    }
  | { handle: (request: Request, deps: RouteDeps) => Promise<Reply> }
  | {
      /** Authorises first (throws before any byte is sent), then returns what feeds the stream; null answers 204, that there is nothing to come. */
      stream: (request: Request, deps: RouteDeps) => Promise<((stream: EventStream) => Promise<void>) | null>;
    };

type Declaration<Params, Query, Body> = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** In OpenAPI's spelling: `/documents/{id}`. */
  path: `/${string}`;
  /** The resource's name, which groups routes in the documentation. */
  tag: string;
  summary: string;
  description?: string;
  scope: Scope;
  params?: z.ZodType<Params>;
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** Raw bodies that the route takes besides JSON, and the query that describes them. */
  upload?: { mediaTypes: readonly string[]; query: z.ZodType<Record<string, unknown>>; maxBytes: number };
  /** The body may be left out, and is then what the schema makes of `{}`. */
  bodyOptional?: true;
  /** The route takes a multipart form besides: the schema of its fields (`path` a list, the others strings). */
  form?: { fields: z.ZodType<Record<string, unknown>>; maxBytes: number };
  /** Largest JSON body in bytes; `maxJsonBodyBytes` when left out. */
  maxBodyBytes?: number;
  /** The route creates or does something: it honours `Idempotency-Key`. */
  idempotent?: true;
  /** Makes the stored copy of an answer that shows a secret once. */
  redact?: (body: unknown) => unknown;
  responses: Record<number, ResponseSpec>;
  /** Statuses of problems beside those that follow from the rest of the declaration. */
  problems?: readonly number[];
  /** A body for the documentation that works on a fresh installation, as far as ids allow. */
  example?: unknown;
};

/** A route whose handler's types were checked against its schemas, and forgotten. */
export type Route = Declaration<unknown, unknown, unknown> & Handlers<RouteRequest<unknown, unknown, unknown>>;

/** Declares one route; requests are validated and responses parsed by the same schemas that OpenAPI is made from. */
export function defineRoute<Params = undefined, Query = undefined, Body = undefined>(
  route: Declaration<Params, Query, Body> & Handlers<RouteRequest<Params, Query, Body>>,
): Route {
  // The declaration's schemas guard the handler, so the handler may be called with what they let through.
  return route as unknown as Route;
}
