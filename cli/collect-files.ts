import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from './cli-error.ts';

/** A file to ingest: where it is, and the path that identifies it as a document. */
export interface FoundFile {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * Finds the files to ingest, sorted by path; folders are searched to the bottom, but for hidden files and folders and for
 * node_modules. What a file is, is for the API to find from its content. A file's document path is relative to `base`,
 * and absolute where it lies outside of it: one file has one path, however it is named.
 * Throws CliError for a path that does not exist.
 */
export async function collectFiles(given: readonly string[], cwd: string, base = cwd): Promise<FoundFile[]> {
  const files = new Map<string, FoundFile>();
  for (const name of given) {
    const root = path.resolve(cwd, name);
    const info = await stat(root).catch(() => null);
    if (!info) throw new CliError(`There is no file or folder ${name}.`);
    for (const file of info.isDirectory() ? await filesUnder(root) : [root]) {
      const { size } = await stat(file);
      files.set(file, { file, path: documentPath(file, path.resolve(cwd, base)), bytes: size });
    }
  }
  return [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function documentPath(file: string, base: string): string {
  const relative = path.relative(base, file);
  const outside = relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
  return (outside ? file : relative).split(path.sep).join('/');
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
      .map(async (entry) => {
        const full = path.join(folder, entry.name);
        if (entry.isDirectory()) return filesUnder(full);
        return entry.isFile() ? [full] : [];
      }),
  );
  return found.flat();
}
