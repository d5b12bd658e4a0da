import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A secret of 32 random bytes in base64url, made on first use and kept in a file that only its owner can read. */
export function readStoredSecret(home: string, name: string): string {
  const file = path.join(home, 'secrets', name);
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
  linkSync(partial, file);
  rmSync(partial);
  return readFileSync(file, 'utf8').trim();
}
