import { createHash } from 'node:crypto';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { CreateDocument } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { maxDocumentBytes } from '../../contracts/names/limits.ts';
import type { DocumentToAccept } from '../../entities/documents/reserve-generation.ts';
import type { ApiDeps } from '../api-deps.ts';
import { guessTitle } from './describe-upload.ts';

/** A document's description together with its bytes, however they came. */
export type GivenDocument = Omit<CreateDocument, 'text' | 'content_base64' | 'url' | 'knowledge_source'> & {
  bytes: Buffer;
  mediaType: string | null;
  /** The name of the sender's file: a hint at its type and title, no identity. */
  fileName?: string;
};

/** The bytes of a document that came as JSON. */
export function fromJson(body: Omit<CreateDocument, 'knowledge_source' | 'url'>): GivenDocument {
  const { text, content_base64: base64, ...description } = body;
  const bytes = text === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(text, 'utf8');
  return { ...description, bytes, mediaType: null };
}

/**
 * Finds what a document's bytes are, and names what was left out. A document for which no user was
 * named (`userNamed` false) is for the whole workspace unless it says otherwise.
 * @throws PerdureError with the code of the refusal; nothing is stored then.
 */
export async function prepareDocument(
  given: GivenDocument,
  userNamed: boolean,
  deps: ApiDeps,
): Promise<Omit<DocumentToAccept, 'userId'>> {
  if (given.bytes.length > maxDocumentBytes)
    throw new PerdureError('body_too_large', `A document may have at most ${maxDocumentBytes} bytes.`);
  const name = given.path ?? given.fileName;
  const claim = { documentType: given.document_type, name, mediaType: given.mediaType };
  const inspected = await deps.inspectDocument(given.bytes, claim);
  return {
    documentId: uuidV7(),
    title: given.title || guessTitle(given.bytes, inspected.documentType, name),
    ...inspected,
    passwordSealed: given.password === undefined ? null : deps.seal(given.password),
    sourcePath: given.path ?? null,
    sourceUrl: given.source_url ?? null,
    author: given.author ?? null,
    isGlobal: given.is_global ?? !userNamed,
    metadata: { ...(given.fileName === undefined ? {} : { file_name: given.fileName }), ...given.metadata },
    bytes: given.bytes,
    contentHash: createHash('sha256').update(given.bytes).digest(),
  };
}
