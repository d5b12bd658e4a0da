import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from './cli-error.ts';

/** A file to ingest: where it is, and the path that identifies it as a document. */
export interface FoundFile {
  readonly file: string;
  readonly path: string;
  readonly type: 'markdown' | 'text' | 'html';
  readonly bytes: number;
}

/** Files and folders as found: what can be ingested, and what a folder holds besides. */
export interface FoundFiles {
  readonly files: FoundFile[];
  readonly ignored: number;
}

const types: Record<string, FoundFile['type']> = {
  '.md': 'markdown',
  '.mdx': 'markdown',
  '.markdown': 'markdown',
  '.txt': 'text',
  '.text': 'text',
  '.html': 'html',
  '.htm': 'html',
  '.xhtml': 'html',
};

/**
 * Finds the files to ingest, sorted by path; folders are searched to the bottom, but for hidden ones and node_modules.
 * A file's document path is relative to `base`, and absolute where it lies outside of it: one file has one path,
 * however it is named.
 * Throws CliError for a path that does not exist, and for a named file of a type that is not read.
 */
export async function collectFiles(given: readonly string[], cwd: string, base = cwd): Promise<FoundFiles> {
  const files = new Map<string, FoundFile>();
  let ignored = 0;
  for (const name of given) {
    const root = path.resolve(cwd, name);
    const info = await stat(root).catch(() => null);
    if (!info) throw new CliError(`There is no file or folder ${name}.`);
    const found = info.isDirectory() ? await filesUnder(root) : [root];
    for (const file of found) {
      const type = types[path.extname(file).toLowerCase()];
      if (type) {
        const { size } = await stat(file);
        files.set(file, { file, path: documentPath(file, path.resolve(cwd, base)), type, bytes: size });
      } else if (info.isDirectory()) ignored += 1;
      else throw new CliError(`${name} is of no type that is read. Give ${Object.keys(types).join(', ')} files.`);
    }
  }
  return { files: [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1)), ignored };
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
