import { readFile, writeFile } from 'node:fs/promises';
import type { PlannedChunk } from './plan-chunks.ts';

/** Writes which text has which vector, for a process that is to answer in place of a model. */
export async function writeVectors(file: string, chunks: readonly PlannedChunk[]): Promise<void> {
  const width = chunks[0]!.vector.length;
  const all = new Float32Array(chunks.length * width);
  for (const [index, { vector }] of chunks.entries()) all.set(vector, index * width);
  await writeFile(file, all);
  await writeFile(`${file}.json`, JSON.stringify(chunks.map((chunk) => chunk.text)));
}

/** The vector of each text that was written. */
export async function readVectors(file: string): Promise<Map<string, Float32Array>> {
  const texts = JSON.parse(await readFile(`${file}.json`, 'utf8')) as string[];
  const bytes = await readFile(file);
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const width = all.length / texts.length;
  return new Map(texts.map((text, index) => [text, all.slice(index * width, (index + 1) * width)]));
}
