import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiClient } from '../cli/api-client.ts';
import { findApiKey, findApiUrl } from '../cli/find-stack.ts';

/** A client of the Perdure at `url` with the key in a file, or of the one that runs in this checkout. */
export async function openClient(options: {
  url?: string | undefined;
  keyFile?: string | undefined;
}): Promise<ApiClient> {
  const home = path.resolve(import.meta.dirname, '../.perdure');
  const key = options.keyFile === undefined ? findApiKey({}, home) : (await readFile(options.keyFile, 'utf8')).trim();
  return new ApiClient(options.url ?? findApiUrl({}, home), key);
}
