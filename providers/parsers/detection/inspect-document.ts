import type { DocumentType } from '../../../contracts/names/document-types.ts';
import { claimedMediaType, writeClaim } from '../../../domain/documents/claimed-type.ts';
import type { DocumentClaim } from '../../../domain/documents/claimed-type.ts';
import { documentTypeOf } from '../../../domain/documents/media-types.ts';
import { detectDocument } from './detect-document.ts';

/** What is noted of a document when it is accepted: what it looks like, and what was claimed (for its parser). */
export interface InspectedDocument {
  readonly mimeType: string;
  readonly documentType: DocumentType;
  readonly declaredType: string | null;
}

/**
 * Looks at a document before anything is stored. What a parser might be able to read is let through.
 * @throws PerdureError `document_empty`, `document_binary` or `unsupported_media_type`, saying what the bytes are.
 */
export async function inspectDocument(bytes: Uint8Array, claim: DocumentClaim): Promise<InspectedDocument> {
  const claimed = claimedMediaType(claim);
  const { mimeType, documentType } = await detectDocument(bytes, claimed);
  return {
    mimeType,
    // An encrypted document is what it is said to be, until it was opened.
    documentType: documentType ?? (claimed && documentTypeOf[claimed]) ?? 'docx',
    declaredType: writeClaim(claim),
  };
}
