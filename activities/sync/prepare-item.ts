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
  const { description } = item;
  const claim = { name: item.path, mediaType, documentType: description.document_type };
  const inspected = await deps.inspectDocument(bytes, claim);
  return {
    documentId: v7(),
    title: (content.title ?? description.title ?? itemTitle(item.path)).slice(0, 500),
    ...inspected,
    sourcePath: item.path,
    sourceUrl: content.sourceUrl ?? description.source_url ?? null,
    author: description.author ?? null,
    userId: description.user_id ?? null,
    isGlobal: description.is_global ?? true,
    passwordSealed: description.password_sealed ?? null,
    metadata: { ...description.metadata },
    bytes,
    // The same text with another vector is another document.
    contentHash: createHash('sha256')
      .update(bytes)
      .update(content.vector ?? '')
      .digest(),
  };
}

/** The last part of a path, for what has no title of its own. */
export function itemTitle(path: string): string {
  return path.split(/[\\/]/).findLast((part) => part !== '') ?? path;
}
