import { readFile } from 'node:fs/promises';
import type { z } from 'zod';

/** The lines of a JSONL file. Throws where one is of another form, naming its line. */
export async function readJsonLines<T>(file: string, schema: z.ZodType<T>): Promise<T[]> {
  const lines = (await readFile(file, 'utf8')).split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (line.trim() === '') return [];
    const parsed = schema.safeParse(JSON.parse(line));
    if (!parsed.success) throw new Error(`${file}, line ${index + 1}: ${parsed.error.message}`);
    return [parsed.data];
  });
}
