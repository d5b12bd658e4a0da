import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');

/**
 * Writes a generated file, or with `--check` on the command line only compares: exit code 1 and one line to standard
 * error when the committed file is not what `text` is now.
 */
export function writeOrCheck(file: string, text: string, script: string): void {
  const target = path.join(root, file);
  if (!process.argv.includes('--check')) {
    writeFileSync(target, text);
    return;
  }
  if (read(target) === text) return;
  console.error(`${file} is stale. Run "node scripts/generate/${script}" and commit what it writes.`);
  process.exitCode = 1;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
