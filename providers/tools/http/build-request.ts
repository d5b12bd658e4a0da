import { readingMethods } from '../../../contracts/tool-configuration.ts';
import type { ApiToolConfiguration, ArgumentPlace, ToolCredentials } from '../../../contracts/tool-configuration.ts';
import type { GuardedRequest } from '../../fetch/guarded-fetch.ts';
import { ToolError } from '../../tool-error.ts';

type BuiltRequest = Pick<GuardedRequest, 'url' | 'method' | 'headers' | 'credentials' | 'body'>;

/** The names between braces in a tool's address. */
export function pathParameters(url: string): string[] {
  return [...url.matchAll(/\{([^{}/]+)\}/g)].map(([, name]) => name!);
}

/** Where an argument goes that the configuration does not place. */
export function placeOf(configuration: ApiToolConfiguration, argument: string): ArgumentPlace {
  const stated = Object.hasOwn(configuration.arguments, argument) ? configuration.arguments[argument] : undefined;
  if (stated) return stated;
  if (pathParameters(configuration.url).includes(argument)) return { in: 'path' };
  const { method } = configuration;
  return readingMethods.includes(method) || method === 'DELETE'
    ? { in: 'query', style: 'repeat' }
    : { in: 'body', whole: false };
}

/**
 * Writes the one HTTP request of a call; what reads has no key. An argument that is null is left out, except in a body.
 * @throws ToolError `tool_arguments` for a value that would change the request beyond its place.
 */
export function buildRequest(
  configuration: ApiToolConfiguration,
  credentials: ToolCredentials | null,
  args: Readonly<Record<string, unknown>>,
  idempotencyKey: string | null,
): BuiltRequest {
  const { method } = configuration;
  const segments: Record<string, string> = {};
  const query = new URLSearchParams(configuration.query);
  const headers: Record<string, string> = { accept: 'application/json, text/*;q=0.9, */*;q=0.1' };
  for (const [name, value] of Object.entries(configuration.headers)) headers[name.toLowerCase()] = value;
  const fields: Record<string, unknown> = {};
  let body: { value: unknown } | null = null;

  for (const [argument, value] of Object.entries(args)) {
    const place = placeOf(configuration, argument);
    const name = place.name ?? argument;
    if (place.in === 'body') {
      if (place.whole) body = { value };
      else define(fields, name, value);
    } else if (value !== null && value !== undefined) {
      if (place.in === 'path') segments[name] = pathSegment(argument, value);
      else if (place.in === 'query') appendQuery(query, name, value, place.style);
      else headers[name.toLowerCase()] = headerText(argument, value);
    }
  }
  if (Object.keys(fields).length > 0) body ??= { value: fields };

  const url = configuration.url.replaceAll(/\{([^{}/]+)\}/g, (_, name: string) => {
    if (Object.hasOwn(segments, name)) return segments[name]!;
    throw refused(name, 'is missing, and the address needs it');
  });
  const secret: Record<string, string> = {};
  if (credentials?.type === 'bearer') secret.authorization = `Bearer ${credentials.token}`;
  else if (credentials?.type === 'basic')
    secret.authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
  else if (credentials?.type === 'header') secret[credentials.name.toLowerCase()] = credentials.value;
  else if (credentials?.type === 'query') query.set(credentials.name, credentials.value);
  if (idempotencyKey !== null) headers['idempotency-key'] = idempotencyKey;

  const written = body === null || readingMethods.includes(method) ? null : writeBody(configuration.body, body.value);
  if (written) {
    headers['content-type'] = written.contentType;
    headers['content-length'] = String(written.bytes.length);
  }
  const search = query.toString();
  return {
    url: search === '' ? url : `${url}?${search}`,
    method,
    headers,
    credentials: secret,
    ...(written && { body: written.bytes }),
  };
}

/** A value of a path may be any text but `.` and `..`, which would lead to another path, and the empty one. */
function pathSegment(argument: string, value: unknown): string {
  const text = Array.isArray(value) ? value.map(plainText).join(',') : plainText(value);
  if (text === '' || text === '.' || text === '..')
    throw refused(argument, `may not be ${text === '' ? 'empty' : `"${text}"`}: it is a part of the address`);
  return encodeURIComponent(text);
}

function appendQuery(query: URLSearchParams, name: string, value: unknown, style: string): void {
  if (typeof value !== 'object' || value === null) query.append(name, plainText(value));
  else if (style === 'json') query.append(name, JSON.stringify(value));
  else if (style === 'deep_object')
    for (const [key, inner] of Object.entries(value)) query.append(`${name}[${key}]`, plainText(inner));
  else if (Array.isArray(value)) {
    const separator = { comma: ',', space: ' ', pipe: '|' }[style];
    if (separator !== undefined) query.append(name, value.map(plainText).join(separator));
    else for (const inner of value) query.append(name, plainText(inner));
  } else if (style === 'repeat') for (const [key, inner] of Object.entries(value)) query.append(key, plainText(inner));
  else query.append(name, JSON.stringify(value));
}

function headerText(argument: string, value: unknown): string {
  const text = Array.isArray(value) ? value.map(plainText).join(',') : plainText(value);
  if (!/^[\x20-\x7e]*$/.test(text)) throw refused(argument, 'goes into a header, which holds printable ASCII only');
  return text;
}

function writeBody(kind: 'json' | 'form', value: unknown): { contentType: string; bytes: Buffer } {
  if (kind === 'json') return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(value)) };
  const form = new URLSearchParams();
  for (const [name, inner] of Object.entries((value ?? {}) as Record<string, unknown>))
    if (inner !== null) appendQuery(form, name, inner, 'repeat');
  return { contentType: 'application/x-www-form-urlencoded', bytes: Buffer.from(form.toString()) };
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** An assignment to `__proto__` would be lost. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

function refused(argument: string, why: string): ToolError {
  return new ToolError('tool_arguments', `The argument "${argument.slice(0, 100)}" ${why}.`, {
    outcome: 'not_started',
  });
}
