import { createHash } from 'node:crypto';
import { openSync, readSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { PlannedChunk } from './plan-chunks.ts';

/** Writes which text has which vector, for a process that is to answer in place of a model. */
export async function writeVectors(file: string, chunks: readonly PlannedChunk[]): Promise<void> {
  const width = chunks[0]!.vector.length;
  const all = new Float32Array(chunks.length * width);
  for (const [index, { vector }] of chunks.entries()) all.set(vector, index * width);
  await writeFile(file, all);
  await writeFile(`${file}.json`, JSON.stringify({ width, keys: chunks.map((chunk) => keyOf(chunk.text)) }));
}

/**
 * Finds the vector of a text that was written, undefined for any other. The vectors stay in the file: the memory of the
 * process is measured too.
 */
export async function openVectors(file: string): Promise<(text: string) => Float32Array | undefined> {
  const { width, keys } = JSON.parse(await readFile(`${file}.json`, 'utf8')) as { width: number; keys: string[] };
  const places = new Map(keys.map((key, place) => [key, place]));
  const opened = openSync(file, 'r');
  return (text) => {
    const place = places.get(keyOf(text));
    if (place === undefined) return undefined;
    const vector = new Float32Array(width);
    readSync(opened, vector, { position: place * vector.byteLength });
    return vector;
  };
}

const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64').slice(0, 20);
