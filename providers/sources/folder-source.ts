import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { PerdureError } from '../../contracts/errors.ts';
import { countOf } from '../../contracts/names/count-of.ts';
import { maxDocumentBytes } from '../../contracts/names/limits.ts';
import type { FolderConfiguration } from '../../contracts/source-configuration.ts';
import type { DocumentSource, SourceItem, SourcePage } from './document-source.ts';

type FolderCursor = { folder: string; after: string };

const entriesPerPage = 1_000;

/**
 * A folder of the machine, below one of `roots`. A page is a folder, or a thousand entries of it, so that a large tree is
 * many short steps. A link that leads out of the folder, or nowhere, is named with that reason and not followed; a file's
 * version is its size and time of change.
 */
export function createFolderSource(settings: FolderConfiguration, roots: readonly string[]): DocumentSource {
  async function root(): Promise<string> {
    const folder = await real(settings.path);
    const allowed = await Promise.all(roots.map((one) => realpath(one).catch(() => null)));
    if (allowed.some((one) => one !== null && isWithin(one, folder))) return folder;
    throw new PerdureError(
      'source_configuration',
      `${settings.path} is not below a folder that may be read. An operator can allow it by PERDURE_SOURCE_FOLDERS.`,
    );
  }

  async function listFolder(base: string, { folder: relative, after }: FolderCursor): Promise<SourcePage> {
    const names = await readdir(path.join(base, relative)).catch((error: unknown) => {
      throw unreadable(relative || settings.path, error);
    });
    const waiting = names.filter((name) => name > after).toSorted((a, b) => (a < b ? -1 : 1));
    const page = waiting.slice(0, entriesPerPage);
    const items: SourceItem[] = [];
    const next = waiting.length > page.length ? [cursorOf({ folder: relative, after: page.at(-1)! })] : [];
    for (const name of page) {
      if (!settings.hidden && name.startsWith('.')) continue;
      const child = relative === '' ? name : `${relative}/${name}`;
      const found = await locate(base, child);
      if (found === null) continue;
      if ('problem' in found) {
        if (isWanted(child, settings)) items.push(found);
      } else if (found.isDirectory()) {
        if (!isExcludedFolder(child, settings)) next.push(cursorOf({ folder: child, after: '' }));
      } else if (found.isFile() && isWanted(child, settings)) items.push(itemOf(child, found));
    }
    return { items, next };
  }

  return {
    async check() {
      const folder = await root();
      const names = await readdir(folder).catch((error: unknown) => {
        throw unreadable(settings.path, error);
      });
      return { detail: `${settings.path} can be read; it has ${countOf(names.length, 'entry', 'entries')}.` };
    },
    async list(cursor) {
      const page = cursor === null ? { folder: '', after: '' } : (JSON.parse(cursor) as FolderCursor);
      return listFolder(await root(), page);
    },
    async fetch({ path: relative }) {
      const base = await root();
      const file = await realpath(path.join(base, relative)).catch(gone);
      if (file === null || !isWithin(base, file)) return null;
      const handle = await open(file, 'r').catch(gone);
      if (handle === null) return null;
      try {
        const before = await handle.stat({ bigint: true });
        if (!before.isFile()) return null;
        const bytes = await handle.readFile();
        // Of the very bytes that were read, so that a file that is being written is read again at the next sync.
        return { bytes, mediaType: null, version: versionOf(before.size, before.mtimeNs) };
      } finally {
        await handle.close();
      }
    },
    close: async () => {},
  };
}

/** The file or folder behind a path, a link that is not followed with the reason, or null where nothing is. */
async function locate(base: string, relative: string) {
  const full = path.join(base, relative);
  const target = await realpath(full).catch(gone);
  if (target === null || !isWithin(base, target)) return deadLink(full, relative, target);
  // A folder that is reached by a link is listed where it stands.
  const found = await stat(target, { bigint: true }).catch(gone);
  return found?.isDirectory() && target !== full ? null : found;
}

/** A link as an item that cannot be given; null for a name that went away between two looks. */
async function deadLink(
  full: string,
  relative: string,
  target: string | null,
): Promise<Required<Pick<SourceItem, 'path' | 'version' | 'problem'>> | null> {
  const found = await lstat(full).catch(gone);
  if (!found?.isSymbolicLink()) return null;
  const problem =
    target === null
      ? { code: 'fetch_not_found' as const, detail: 'It is a link that leads nowhere. Remove or exclude it.' }
      : {
          code: 'fetch_refused' as const,
          detail: 'It is a link that leads out of the folder. Put a copy in its place, or exclude it.',
        };
  return { path: relative, version: null, problem };
}

function itemOf(relative: string, found: { size: bigint; mtimeNs: bigint }): SourceItem {
  const version = versionOf(found.size, found.mtimeNs);
  if (found.size <= maxDocumentBytes) return { path: relative, version };
  const detail = `The file has ${found.size} bytes, and a document may have ${maxDocumentBytes}. Split it, or exclude it.`;
  return { path: relative, version, problem: { code: 'fetch_too_large', detail } };
}

function cursorOf(page: FolderCursor) {
  const cursor = JSON.stringify(page);
  return { key: cursor, cursor };
}

function isExcludedFolder(relative: string, { exclude }: FolderConfiguration): boolean {
  return exclude.some((glob) => path.matchesGlob(relative, glob.endsWith('/**') ? glob.slice(0, -3) : glob));
}

function isWanted(relative: string, { include, exclude }: FolderConfiguration): boolean {
  const matches = (glob: string) => path.matchesGlob(relative, glob);
  return (include.length === 0 || include.some(matches)) && !exclude.some(matches);
}

function versionOf(size: bigint, changed: bigint): string {
  return `${size}-${changed}`;
}

function isWithin(folder: string, target: string): boolean {
  return target === folder || target.startsWith(folder.endsWith(path.sep) ? folder : `${folder}${path.sep}`);
}

async function real(folder: string): Promise<string> {
  if (!path.isAbsolute(folder))
    throw new PerdureError('source_configuration', `The path ${folder} must be absolute, as the workers see it.`);
  return realpath(folder).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
}

function unreadable(folder: string, error: unknown): PerdureError {
  const code = (error as NodeJS.ErrnoException).code ?? 'an unknown error';
  return new PerdureError(
    'source_unavailable',
    `The folder ${folder} cannot be read (${code}). Is it there and mounted?`,
  );
}

/** What went away between two looks is not there; any other trouble is the source's. */
function gone(error: unknown): null {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
  throw new PerdureError('source_unavailable', `A file of the folder cannot be read (${code ?? 'an unknown error'}).`);
}
