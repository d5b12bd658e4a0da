import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { PerdureError } from '../../contracts/errors.ts';
import { maxDocumentBytes } from '../../contracts/names/limits.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import type { ItemDescription } from '../../entities/sources/source-item-repository.ts';
import type { FetchedContent } from '../../providers/sources/document-source.ts';
import type { SyncDeps } from './sync-deps.ts';

/**
 * Makes a document of what a source gave: its type by the content, the title of the source's.
 * @throws PerdureError with the code of the refusal.
 */
export async function prepareItem(
  deps: SyncDeps,
  item: { path: string; description: ItemDescription },
  content: FetchedContent,
): Promise<DocumentToAccept> {
  const { bytes } = content;
  if (bytes.length > maxDocumentBytes)
    throw new PerdureError(
      'fetch_too_large',
      `The document has ${bytes.length} bytes; ${maxDocumentBytes} is the most.`,
    );
  const charset = content.charset ? `; charset=${content.charset}` : '';
  const mediaType = content.mediaType && `${content.mediaType}${charset}`;
  const inspected = await deps.inspectDocument(bytes, { name: item.path, mediaType });
  return {
    documentId: v7(),
    title: (content.title ?? item.description.title ?? itemTitle(item.path)).slice(0, 500),
    ...inspected,
    sourcePath: item.path,
    sourceUrl: content.sourceUrl ?? item.description.source_url ?? null,
    author: item.description.author ?? null,
    userId: null,
    isGlobal: true,
    metadata: { ...item.description.metadata },
    bytes,
    contentHash: createHash('sha256').update(bytes).digest(),
  };
}

/** The last part of a path, for what has no title of its own. */
export function itemTitle(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? path;
}
