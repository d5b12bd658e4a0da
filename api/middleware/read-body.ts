import type { IncomingMessage } from 'node:http';
import { PerdureError } from '../../contracts/errors.ts';
import type { CapacityBudget } from '../framework/capacity-gate.ts';
import { locateJsonError } from './locate-json-error.ts';
import { requireStorable } from './require-storable.ts';

/** Media type of a request's body in lower case without parameters, '' when there is none. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/**
 * Reads a body of at most `maxBytes`: a larger declared length is refused before the first byte is read, a larger
 * undeclared one as soon as it passes the limit. Bytes in memory are taken from `budget` until `release` is called.
 * @throws PerdureError `body_too_large`, `unsupported_media_type` (a content encoding) or `over_capacity`.
 */
export async function readBody(
  request: IncomingMessage,
  maxBytes: number,
  budget: CapacityBudget,
): Promise<{ bytes: Buffer; release: () => void }> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity')
    throw new PerdureError(
      'unsupported_media_type',
      `Send the body without content-encoding; ${encoding} is not read.`,
    );
  const declared = request.headers['content-length'];
  if (declared !== undefined && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  // What a chunked body will hold is unknown, so the most it may hold is reserved.
  const release = budget.take(declared === undefined ? maxBytes : Number(declared));
  try {
    return { bytes: await collect(request, maxBytes), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      finish();
    };
    const onData = (part: Buffer): void => {
      size += part.length;
      if (size <= maxBytes) parts.push(part);
      else settle(() => reject(tooLarge(maxBytes)));
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(parts, size)));
    const onError = (error: Error): void => settle(() => reject(error));
    const onClose = (): void => settle(() => reject(new ClientGoneError()));
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

/** The client closed its connection before the request was whole; nobody is left to answer. */
export class ClientGoneError extends Error {
  constructor() {
    super('The client closed the connection before its request was complete.');
    this.name = 'ClientGoneError';
  }
}

/**
 * Parses bytes as UTF-8 JSON.
 * @throws PerdureError `malformed_json` that names line and column, or `bad_request` for what no row can hold.
 */
export function parseJson(bytes: Buffer): unknown {
  const text = decode(bytes);
  try {
    const value: unknown = JSON.parse(text);
    requireStorable(value);
    return value;
  } catch (error) {
    if (error instanceof PerdureError) throw error;
    if (text.trim() === '') throw new PerdureError('malformed_json', 'The body is empty; send a JSON object.');
    const { line, column, offset } = locateJsonError(text);
    const found = offset >= text.length ? 'the body ends too early' : `unexpected ${JSON.stringify(text[offset])}`;
    const where = `${found} at line ${line}, column ${column}`;
    throw new PerdureError('malformed_json', `The body is not JSON: ${where}.`, {
      errors: [{ path: 'body', message: `${where} (offset ${offset})` }],
    });
  }
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new PerdureError('malformed_json', 'The body is not UTF-8; JSON is sent in UTF-8.');
  }
}

function tooLarge(maxBytes: number): PerdureError {
  return new PerdureError('body_too_large', `The body may have at most ${maxBytes} bytes here.`);
}
