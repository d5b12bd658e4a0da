import { fileURLToPath } from 'node:url';
import type { PDFDocumentProxy } from 'pdfjs-dist';
import { PerdureError } from '../../../../contracts/errors.ts';
import { loadPdfLibrary } from './load-pdf-library.ts';

// The names of pdf.js's own exceptions; instances do not keep their class across its worker's messages.
const passwordException = 'PasswordException';

/** How a PDF is opened beside its bytes. */
export interface PdfOptions {
  readonly password: string | null;
  /** Images are left undecoded, and are missing in the list of operators. */
  readonly skipImages: boolean;
}

/**
 * Opens a PDF, also a damaged one if its pages can be found; the caller destroys it. What the owner's password forbids is
 * no obstacle to reading.
 * @throws PerdureError `document_encrypted` without the right password, `document_corrupt` if it cannot be read.
 */
export async function openPdf(bytes: Uint8Array, { password, skipImages }: PdfOptions): Promise<PDFDocumentProxy> {
  // SASLprep (RFC 4013), which the encryption of PDF 2.0 asks for, is NFKC for most passwords; none opens what needs none.
  const tries = password === null ? [null] : [...new Set([password, password.normalize('NFKC'), null])];
  for (const candidate of tries) {
    try {
      return await open(bytes, candidate, skipImages);
    } catch (error) {
      if (error instanceof Error && error.name !== passwordException) throw corrupt(error);
    }
  }
  throw new PerdureError(
    'document_encrypted',
    password === null
      ? 'The PDF is encrypted, and no password was sent with it.'
      : 'The PDF is encrypted, and the password that was sent with it is wrong.',
  );
}

async function open(bytes: Uint8Array, password: string | null, skipImages: boolean): Promise<PDFDocumentProxy> {
  const { getDocument, VerbosityLevel } = await loadPdfLibrary();
  const folder = fileURLToPath(import.meta.resolve('pdfjs-dist/package.json')).replace(/package\.json$/, '');
  const task = getDocument({
    // pdf.js takes the buffer for its own.
    data: new Uint8Array(bytes),
    ...(password === null ? {} : { password }),
    ...(skipImages ? { maxImageSize: 1 } : {}),
    cMapUrl: `${folder}cmaps/`,
    // Only fonts whose outlines are wanted need data of their own, and names of fonts are among the extra properties.
    fontExtraProperties: true,
    wasmUrl: `${folder}wasm/`,
    useWorkerFetch: false,
    useSystemFonts: false,
    disableFontFace: true,
    isOffscreenCanvasSupported: false,
    isImageDecoderSupported: false,
    enableXfa: false,
    verbosity: VerbosityLevel.ERRORS,
  });
  try {
    return await task.promise;
  } catch (error) {
    await task.destroy();
    throw error;
  }
}

function corrupt(error: Error): PerdureError {
  const reason = error.message.replace(/\.$/, '');
  return new PerdureError('document_corrupt', `The PDF cannot be read: ${reason}.`);
}
