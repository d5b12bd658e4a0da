import type { EntityManager } from '@mikro-orm/postgresql';
import { findDocument } from '../../entities/documents/document-repository.ts';
import type { DocumentRow } from '../../entities/documents/document-repository.ts';
import { notFound } from '../framework/validate-request.ts';

/**
 * The document, as far as the named end user (if the request names one) may see it.
 * @throws PerdureError `not_found`
 */
export async function findVisibleDocument(em: EntityManager, id: string, user: string | null): Promise<DocumentRow> {
  const document = await findDocument(em, id);
  if (!document || (user !== null && !document.is_global && document.user !== user)) throw notFound('document');
  return document;
}
