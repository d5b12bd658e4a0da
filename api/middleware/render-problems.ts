import { isGrpcServiceError } from '@temporalio/client';
import type { Context, Next } from 'koa';
import { errorTable, PerdureError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { Problem } from '../../contracts/problem.ts';
import type { ApiLogger } from '../api-deps.ts';
import { ClientGoneError } from './read-body.ts';

const retryAfterSeconds = 1;

/** Renders whatever a request throws as `application/problem+json`; the unknown becomes one plain 500 and a log line. */
export function renderProblems(log: ApiLogger) {
  return async (ctx: Context, next: Next): Promise<void> => {
    try {
      await next();
    } catch (error) {
      if (error instanceof ClientGoneError || ctx.req.socket.destroyed) {
        ctx.respond = false;
        return;
      }
      const failure = toPerdureError(error);
      if (failure.code === 'internal')
        log.error({ request_id: ctx.state['requestId'], route: ctx['_matchedRoute'], err: error }, 'request failed');
      renderProblem(ctx, failure);
    }
  };
}

function renderProblem(ctx: Context, failure: PerdureError): void {
  const { status, retryable, title } = errorTable[failure.code];
  const errors = failure.fields['errors'] as Problem['errors'];
  const problem: Problem = {
    type: `urn:perdure:problem:${failure.code}`,
    title,
    status,
    code: failure.code,
    detail: failure.detail,
    instance: ctx.path,
    request_id: String(ctx.state['requestId']),
    ...(errors ? { errors } : {}),
  };
  ctx.status = status;
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
  if (retryable && (status === 503 || status === 429)) ctx.set('retry-after', String(retryAfterSeconds));
  if (failure.code === 'unauthenticated')
    ctx.set(
      'www-authenticate',
      ctx.path === '/docs' ? 'Basic realm="perdure", charset="UTF-8"' : 'Bearer realm="perdure"',
    );
  if (typeof failure.fields['allow'] === 'string') ctx.set('allow', failure.fields['allow']);
}

/** The failure as the client may see it: known codes stay, the database's and Temporal's states are told apart. */
export function toPerdureError(error: unknown): PerdureError {
  if (error instanceof PerdureError) return error;
  const code = errorCodeOf(error);
  if (code?.startsWith('provider_'))
    return new PerdureError(code, `${errorTable[code].title}. Look at the model's settings, or try again later.`);
  if (code) return new PerdureError(code, databaseDetails[code] ?? errorTable[code].title);
  return new PerdureError('internal', 'The failure was logged under this request id. Tell it to the operator.');
}

const databaseDetails: Partial<Record<ErrorCode, string>> = {
  bad_request: 'A text of the request holds the character NUL (\\u0000), which cannot be stored. Take it out.',
  conflict: 'Something with this name or identity exists, or something else still refers to this.',
  request_in_progress: 'Another request is working on the same thing. Try again in a moment.',
  over_capacity: 'The database has too much to do. Try again after the time in Retry-After.',
  unavailable: 'The database or Temporal cannot be reached. Try again after the time in Retry-After.',
};

function errorCodeOf(error: unknown): ErrorCode | null {
  if (isGrpcServiceError(error)) return 'unavailable';
  if (!(error instanceof Error)) return null;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string') return error.cause === undefined ? null : errorCodeOf(error.cause);
  if (error.name === 'ProviderError') return `provider_${code}` as ErrorCode;
  if (sqlStates[code]) return sqlStates[code];
  if (/^(?:08|57P0)/.test(code) || connectionErrors.has(code)) return 'unavailable';
  return error.cause === undefined ? null : errorCodeOf(error.cause);
}

const sqlStates: Record<string, ErrorCode> = {
  '22021': 'bad_request',
  '22P05': 'bad_request',
  '23505': 'conflict',
  '23503': 'conflict',
  '23001': 'conflict',
  '40001': 'request_in_progress',
  '40P01': 'request_in_progress',
  '55P03': 'request_in_progress',
  '53300': 'over_capacity',
  '57014': 'over_capacity',
};

const connectionErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);
