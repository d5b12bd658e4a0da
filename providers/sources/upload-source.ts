import { PerdureError } from '../../contracts/errors.ts';
import { maxDocumentBytes } from '../../contracts/names/limits.ts';
import { FetchError } from '../fetch/fetch-error.ts';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import type { DocumentSource } from './document-source.ts';
import { requireSuccess } from './require-success.ts';

/** What people send: it cannot be listed, but an address that was sent in place of a document is fetched. */
export function createUploadSource(fetch: GuardedFetch): DocumentSource {
  const nothing = () =>
    new PerdureError(
      'source_configuration',
      'A source of the type upload holds what it is sent; there is nothing to list.',
    );
  return {
    check: async () => ({ detail: 'Documents can be sent to it.' }),
    async list() {
      throw nothing();
    },
    async fetch({ sourceUrl }, signal) {
      if (sourceUrl === null) throw nothing();
      const response = await fetch({ url: sourceUrl, signal, maxBytes: maxDocumentBytes });
      if (response.status === 401 || response.status === 403)
        throw new FetchError(
          'fetch_refused',
          `${new URL(response.url).origin} answered ${response.status}. Download the document and send it.`,
        );
      const { headers, bytes } = requireSuccess(response);
      const [mediaType = ''] = (headers['content-type'] ?? '').split(';', 1);
      const charset = /;\s*charset\s*=\s*"?([\w.:-]+)"?/i.exec(headers['content-type'] ?? '')?.[1] ?? null;
      return { bytes, mediaType: mediaType.trim().toLowerCase() || null, charset };
    },
    close: async () => {},
  };
}
