import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/** Megabytes (2^20 bytes) that files below the folders take on the disk; a file with several names counts once. */
export async function diskUsage(folders: readonly string[]): Promise<number> {
  const seen = new Set<string>();
  let blocks = 0;
  for (const folder of folders) {
    for (const entry of await readdir(folder, { recursive: true })) {
      const { dev, ino, blocks: own } = await lstat(path.join(folder, entry));
      if (seen.has(`${dev}:${ino}`)) continue;
      seen.add(`${dev}:${ino}`);
      blocks += own;
    }
  }
  return (blocks * 512) / 2 ** 20;
}
