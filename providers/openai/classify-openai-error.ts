import { APIConnectionError, APIConnectionTimeoutError, APIError, OpenAIError } from 'openai';

import { ProviderError } from '../provider-error.ts';
import type { ProviderErrorCode } from '../provider-error.ts';
import { retryAfterMs } from '../fetch/retry-after.ts';

const codesOfBodies: ReadonlyMap<string, ProviderErrorCode> = new Map([
  ['context_length_exceeded', 'context_length'],
  ['string_above_max_length', 'context_length'],
  ['content_filter', 'content_filter'],
  ['content_policy_violation', 'content_filter'],
  ['insufficient_quota', 'insufficient_quota'],
  ['billing_hard_limit_reached', 'insufficient_quota'],
  ['billing_not_active', 'insufficient_quota'],
  ['model_not_found', 'model_not_found'],
  ['invalid_api_key', 'authentication'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['invalid_request_error', 'invalid_request'],
]);

const neverRetried: ReadonlySet<ProviderErrorCode> = new Set([
  'authentication',
  'invalid_request',
  'context_length',
  'content_filter',
  'insufficient_quota',
  'model_not_found',
]);

const advice: Record<ProviderErrorCode, string> = {
  rate_limited: 'wait and try again, or raise the limit with the provider',
  unavailable: 'try again later',
  timeout: 'try again later',
  authentication: "check the model's API key and its rights",
  invalid_request: "check the model's settings against what the provider accepts",
  context_length: 'shorten the prompt or take a model with a larger context window',
  content_filter: 'the content was refused: change it',
  insufficient_quota: "check the provider account's plan and billing",
  model_not_found: "check the model's id and its endpoint",
  malformed_response: 'check that the endpoint speaks the OpenAI protocol',
};

/**
 * Turns whatever the SDK or fetch threw into a ProviderError. Retryable: what `x-should-retry` says, else status 408,
 * 409, 429 and 500 or more unless the body's code forbids it, and everything that never got a whole response.
 */
export function classifyOpenAiError(error: unknown, model: string): ProviderError {
  const inner = findProviderError(error);
  if (inner !== null) return inner;
  if (error instanceof APIConnectionTimeoutError) return failure('timeout', model, 'did not answer in time');
  if (error instanceof APIConnectionError) {
    return failure('unavailable', model, `cannot be reached (${systemCode(error) ?? 'connection failed'})`);
  }
  if (error instanceof APIError) return classifyResponse(error, model);
  if (error instanceof OpenAIError || isParsingFailure(error)) {
    return failure('malformed_response', model, 'answered something that is not of its protocol');
  }
  return failure('unavailable', model, `broke off in mid-answer (${systemCode(error) ?? 'connection lost'})`);
}

/** A ProviderError for a response that came whole or in part but cannot be used. */
export function unusableResponse(
  code: 'malformed_response' | 'unavailable',
  model: string,
  what: string,
  { retryable }: { readonly retryable: boolean } = { retryable: true },
): ProviderError {
  return failure(code, model, what, retryable);
}

function failure(code: ProviderErrorCode, model: string, what: string, retryable: boolean = true): ProviderError {
  return new ProviderError(code, `The provider of model ${model} ${what} (${code}): ${advice[code]}.`, { retryable });
}

function classifyResponse(error: APIError, model: string): ProviderError {
  // Errors inside a stream come with status 200, so without one here; some providers put a status into the body.
  const status = error.status ?? statusOf(error.code);
  const bodyCode = [error.code, error.type].map((word) => codesOfBodies.get(String(word))).find((code) => code);
  const code = bodyCode ?? codeOfStatus(status);
  const headers: Headers | undefined = error.headers;
  const requestId = error.requestID ?? null;
  const facts = [`status ${error.status ?? 'none'}`, code, ...(requestId === null ? [] : [`request ${requestId}`])];
  const message = `The provider of model ${model} refused or failed (${facts.join(', ')}): ${advice[code]}.`;
  return new ProviderError(code, message, {
    retryable: isRetryable(headers?.get('x-should-retry'), status, code),
    retryAfterMs: headers === undefined ? null : retryAfterMs(headers),
    status: error.status ?? null,
    requestId,
  });
}

function isRetryable(header: string | null | undefined, status: number | undefined, code: ProviderErrorCode): boolean {
  if (header === 'true') return true;
  if (header === 'false') return false;
  if (status === 408 || status === 409 || (status !== undefined && status >= 500)) return true;
  if (neverRetried.has(code)) return false;
  return status === undefined || status === 429;
}

function codeOfStatus(status: number | undefined): ProviderErrorCode {
  if (status === undefined || status >= 500 || status === 409) return 'unavailable';
  if (status === 401 || status === 403) return 'authentication';
  if (status === 404) return 'model_not_found';
  if (status === 408) return 'timeout';
  if (status === 429) return 'rate_limited';
  return 'invalid_request';
}

function statusOf(code: unknown): number | undefined {
  const number = Number(code);
  return Number.isInteger(number) && number >= 400 && number < 600 ? number : undefined;
}

/** The stall guard's own error, which the SDK may have wrapped. */
function findProviderError(error: unknown): ProviderError | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof ProviderError) return current;
  }
  return null;
}

/** A system's error code such as ECONNREFUSED, which quotes nobody. */
function systemCode(error: unknown): string | null {
  for (let current = error; typeof current === 'object' && current !== null;) {
    const { code, cause } = current as { code?: unknown; cause?: unknown };
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
    current = cause;
  }
  return null;
}

/** Bad JSON, or JSON of another shape; a TypeError of fetch always has a cause. */
function isParsingFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'SyntaxError' || (error.name === 'TypeError' && error.cause === undefined);
}
