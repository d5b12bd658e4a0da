import type { Dirent } from 'node:fs';
import { readdir, readlink, stat } from 'node:fs/promises';
import path from 'node:path';
import { CliError } from './cli-error.ts';

/** A file to ingest: where it is, and the path that identifies it as a document. */
export interface FoundFile {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
}

/** What stands in a folder and is not ingested, and why; `failed` what cannot be looked into. */
export interface SkippedFile {
  readonly path: string;
  readonly state: 'skipped' | 'failed';
  readonly reason: string;
  readonly hint: string;
}

/** What was found, each sorted by path. */
export interface CollectedFiles {
  readonly files: readonly FoundFile[];
  readonly skipped: readonly SkippedFile[];
}

/**
 * Finds the files to ingest; folders are searched to the bottom, but for hidden files and folders and for node_modules.
 * Links within them are not followed: they, and what is no file, are among the skipped. What a file is, is for the API to
 * find from its content. A document's path is relative to `base`, and absolute where it lies outside of it: one file has
 * one path, however it is named.
 * Throws CliError for a path that does not exist.
 */
export async function collectFiles(given: readonly string[], cwd: string, base = cwd): Promise<CollectedFiles> {
  const files = new Map<string, FoundFile>();
  const skipped = new Map<string, SkippedFile>();
  const pathOf = (file: string) => documentPath(file, path.resolve(cwd, base));
  for (const name of given) {
    const root = path.resolve(cwd, name);
    const info = await stat(root).catch(() => null);
    if (!info) throw new CliError(`There is no file or folder ${name}.`);
    const entries = info.isDirectory() ? await entriesUnder(root) : [{ file: root, problem: null }];
    for (const { file, problem } of entries) {
      // What goes away between two looks is not there.
      const found = problem === null ? await stat(file).catch(() => null) : null;
      if (problem !== null) skipped.set(file, { path: pathOf(file), ...problem });
      else if (found) files.set(file, { file, path: pathOf(file), bytes: found.size });
    }
  }
  const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
  return { files: [...files.values()].toSorted(byPath), skipped: [...skipped.values()].toSorted(byPath) };
}

function documentPath(file: string, base: string): string {
  const relative = path.relative(base, file);
  const outside = relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative);
  return (outside ? file : relative).split(path.sep).join('/');
}

type Problem = Omit<SkippedFile, 'path'>;
type FolderEntry = { readonly file: string; readonly problem: Problem | null };

async function entriesUnder(folder: string): Promise<FolderEntry[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const hint = 'Let the user who runs this read it, and run it again.';
    const reason = `unreadable: The folder cannot be read (${code}).`;
    return [{ file: folder, problem: { state: 'failed', reason, hint } }];
  }
  const found = await Promise.all(
    entries
      .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
      .map(async (entry) => {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) return entriesUnder(file);
        return [{ file, problem: entry.isFile() ? null : await problemOf(entry, file) }];
      }),
  );
  return found.flat();
}

async function problemOf(entry: Dirent, file: string): Promise<Problem> {
  if (!entry.isSymbolicLink()) {
    return {
      state: 'skipped',
      reason: 'no_file: It is a pipe, socket or device.',
      hint: 'Save what it gives as a file.',
    };
  }
  const target = await readlink(file).catch(() => '?');
  const reason = `link: It leads to ${target}; links within folders are not followed.`;
  return { state: 'skipped', reason, hint: 'Name the link itself on the command line to ingest what it leads to.' };
}
