import type { IncomingMessage } from 'node:http';
import { pipeline, Writable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { FetchError } from './fetch-error.ts';

const decoders: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

/** Text compresses to a fifth, sometimes to a thirtieth; what unpacks to more than this is made to hurt. */
const highestRatio = 200;
const ratioMattersFrom = 1024 * 1024;

/** What was read of a body; `isCut` when there was more. */
export interface ReadBody {
  readonly bytes: Buffer;
  readonly isCut: boolean;
}

/**
 * Reads and decodes the body of an answer; one that `cuts` allows to is cut at `maxBytes`.
 * @throws FetchError `fetch_too_large` past `maxBytes` otherwise, and when decompression makes too much of too little;
 * `fetch_malformed` for an unknown or broken content encoding.
 */
export async function readBody(
  response: IncomingMessage,
  { maxBytes, cuts, what, signal }: { maxBytes: number; cuts: boolean; what: string; signal: AbortSignal },
): Promise<ReadBody> {
  const tooLarge = () =>
    new FetchError(
      'fetch_too_large',
      `${what} answers with more than ${maxBytes} bytes, which is the most that is read.`,
    );
  if (!cuts && Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.destroy();
    throw tooLarge();
  }
  let received = 0;
  response.on('data', (part: Buffer) => {
    received += part.length;
  });
  const parts: Buffer[] = [];
  let size = 0;
  const collector = new Writable({
    write(part: Buffer, _encoding, done) {
      size += part.length;
      parts.push(part);
      if (size > maxBytes) done(cuts ? new CutHere() : tooLarge());
      else if (size > ratioMattersFrom && size > received * highestRatio) done(bomb(what));
      else done();
    },
  });
  await new Promise<void>((resolve, reject) => {
    const settle = (error: NodeJS.ErrnoException | null | undefined) => {
      if (!error || error instanceof CutHere) resolve();
      else reject(/^(?:Z_|ERR_BROTLI|ERR__ERROR)/.test(error.code ?? '') ? undecodable(what) : error);
    };
    const stages = [response, ...decodersOf(response, what), collector] as const;
    pipeline(stages as unknown as [IncomingMessage, Writable], settle);
    signal.addEventListener('abort', () => response.destroy(signal.reason as Error), { once: true });
    if (signal.aborted) response.destroy(signal.reason as Error);
  });
  const whole = Buffer.concat(parts, size);
  return { bytes: whole.subarray(0, maxBytes), isCut: size > maxBytes };
}

/** Ends the reading of a body of which enough was read. */
class CutHere extends Error {}

function decodersOf(response: IncomingMessage, what: string): Transform[] {
  if (response.statusCode === 204 || response.statusCode === 304) return [];
  const names = (response.headers['content-encoding'] ?? '').toLowerCase().split(',');
  const known = names.map((name) => name.trim()).filter((name) => name !== '' && name !== 'identity');
  if (known.length > 2 || known.some((name) => !Object.hasOwn(decoders, name))) {
    response.destroy();
    throw undecodable(what);
  }
  return known.toReversed().map((name) => decoders[name]!());
}

function undecodable(what: string): FetchError {
  return new FetchError('fetch_malformed', `${what} answers in a content encoding that is unknown or broken.`);
}

function bomb(what: string): FetchError {
  return new FetchError('fetch_too_large', `${what} unpacks to more than ${highestRatio} times what was sent.`);
}
