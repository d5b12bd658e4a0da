import { hintOf } from '../../contracts/error-hints.ts';

type StoredError = { code: string; detail: string };

/** A failure of a document as the API shows it, with what to do about it; null stays null. */
export function presentDocumentError(error: StoredError | null): (StoredError & { hint: string | null }) | null {
  return error && { code: error.code, detail: error.detail, hint: hintOf(error.code) };
}
