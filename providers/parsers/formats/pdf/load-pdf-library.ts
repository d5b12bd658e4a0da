/** Loads pdf.js, which is large, once it is needed. */
export async function loadPdfLibrary() {
  // Without these it warns that it cannot draw, which nobody asks it to.
  const scope = globalThis as { DOMMatrix?: unknown; Path2D?: unknown };
  scope.DOMMatrix ??= Object;
  scope.Path2D ??= Object;
  return import('pdfjs-dist/legacy/build/pdf.mjs');
}
