import { STATUS_CODES } from 'node:http';
import { cutResult } from '../../../domain/tools/cut-result.ts';
import type { ToolCredentials } from '../../../contracts/tool-configuration.ts';
import type { GuardedResponse } from '../../fetch/guarded-fetch.ts';
import { retryAfterMs } from '../../fetch/retry-after.ts';
import { ToolError } from '../../tool-error.ts';
import type { ToolResult } from '../../tool.ts';

const readable = /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml|javascript|x-www-form-urlencoded|x-ndjson))/;
// Of a shorter secret too much of an ordinary text would be taken for it.
const shortestSecret = 4;

/**
 * Judges an answer: success and the service's own refusal are results, with the body for the model; what says that nothing
 * was done yet, or that nobody knows, is thrown.
 * @throws ToolError with the outcome as HTTP has it: 408, 425, 429 and a 503 that says when to come back did nothing; any
 * other 5xx may stand in for a server that did its work.
 */
export function readAnswer(
  response: GuardedResponse,
  credentials: ToolCredentials | null,
  maxResultBytes: number,
): ToolResult {
  const { status } = response;
  const waitMs = retryAfterMs(new Headers({ 'retry-after': response.headers['retry-after'] ?? '' }));
  if (status === 408 || status === 425 || status === 429 || (status === 503 && waitMs !== null))
    throw new ToolError('tool_unavailable', `The service answered HTTP ${shown(status)}: it did nothing yet.`, {
      outcome: 'not_started',
      retryAfterMs: waitMs,
    });
  if (status >= 500 && status !== 501 && status !== 505)
    throw new ToolError('tool_outcome_unknown', `The service answered HTTP ${shown(status)}.`, { outcome: 'unknown' });
  const isSuccess = (status >= 200 && status < 300) || status === 303 || status === 304;
  const body = withoutSecrets(textOf(response), credentials);
  const location = response.headers.location;
  const lines = [
    ...(isSuccess && body !== '' ? [] : [`HTTP ${shown(status)}`]),
    ...(status >= 300 && status < 400 && location !== undefined
      ? [`It points to ${withoutSecrets(location.slice(0, 500), credentials)}, which was not followed.`]
      : []),
    ...(body === '' ? [] : [body]),
  ];
  const text = lines.join('\n');
  const cut = cutResult(text, maxResultBytes, response.isCut ? wholeSize(response) : undefined);
  return { content: cut.content, isError: !isSuccess, truncated: cut.truncated, bytes: cut.bytes };
}

function shown(status: number): string {
  const phrase = STATUS_CODES[status];
  return phrase === undefined ? String(status) : `${status} ${phrase}`;
}

function wholeSize({ headers, bytes }: GuardedResponse): number {
  const stated = headers['content-encoding'] === undefined ? Number(headers['content-length']) : Number.NaN;
  return Number.isSafeInteger(stated) && stated > bytes.length ? stated : bytes.length + 1;
}

function textOf({ headers, bytes, isCut }: GuardedResponse): string {
  if (bytes.length === 0) return '';
  const type = (headers['content-type'] ?? 'text/plain').toLowerCase();
  if (!readable.test(type))
    return `[${isCut ? 'more than ' : ''}${bytes.length} bytes of ${type.split(';')[0]!.slice(0, 100)}, which is no text]`;
  const charset = /charset="?([\w.:-]+)/.exec(type)?.[1] ?? 'utf-8';
  // NUL has no place in PostgreSQL's texts; the decoder leaves no lone surrogate.
  return decode(bytes, charset).replaceAll('\0', '\u{fffd}');
}

function decode(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    // A charset that nobody knows says nothing.
    return new TextDecoder().decode(bytes);
  }
}

/** Services echo what they were sent, and what a model has read it may say. */
function withoutSecrets(text: string, credentials: ToolCredentials | null): string {
  let clean = text;
  for (const secret of secretsOf(credentials)) clean = clean.replaceAll(secret, '[credential]');
  return clean;
}

function secretsOf(credentials: ToolCredentials | null): string[] {
  if (credentials === null) return [];
  const plain =
    credentials.type === 'bearer'
      ? [credentials.token]
      : credentials.type === 'basic'
        ? [Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64'), credentials.password]
        : [credentials.value];
  const forms = plain.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    new URLSearchParams({ a: secret }).toString().slice(2),
  ]);
  return [...new Set(forms)].filter(({ length }) => length >= shortestSecret).sort((a, b) => b.length - a.length);
}
