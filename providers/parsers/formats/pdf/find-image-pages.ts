import { loadPdfLibrary } from './load-pdf-library.ts';
import { openPdf } from './open-pdf.ts';

// Looking for an image decodes it, which takes up to a second.
const mostLooks = 5;

/**
 * Which of the pages without text show an image, so that a blank page is not taken for a scan. Only the first few are
 * looked at; if one of them is a scan, the rest counts as such.
 */
export async function findImagePages(
  bytes: Uint8Array,
  password: string | null,
  pages: readonly number[],
): Promise<number[]> {
  if (pages.length === 0) return [];
  const document = await openPdf(bytes, { password, skipImages: false });
  try {
    const { OPS } = await loadPdfLibrary();
    const imageOperators = new Set<number>([
      OPS.paintImageXObject,
      OPS.paintInlineImageXObject,
      OPS.paintImageMaskXObject,
      OPS.paintImageXObjectRepeat,
      OPS.paintImageMaskXObjectRepeat,
      OPS.paintImageMaskXObjectGroup,
    ]);
    const found: number[] = [];
    for (const number of pages.slice(0, mostLooks)) {
      const page = await document.getPage(number);
      const { fnArray } = await page.getOperatorList();
      if (fnArray.some((operator) => imageOperators.has(operator))) found.push(number);
    }
    return found.length === 0 ? [] : [...found, ...pages.slice(mostLooks)];
  } finally {
    await document.loadingTask.destroy();
  }
}
